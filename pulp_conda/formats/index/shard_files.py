"""Which files a shard names: what is left of a package name once patches were applied."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import zstandard


class _Record(msgspec.Struct, gc=False):
    revoked: Any = None


class _Later(msgspec.Struct):
    conda: dict[str, _Record] = {}
    tar_bz2: dict[str, _Record] = msgspec.field(name="tar.bz2", default_factory=dict)


class _Shard(msgspec.Struct):
    packages: dict[str, _Record] = {}
    packages_conda: dict[str, _Record] = msgspec.field(name="packages.conda", default_factory=dict)
    v3: _Later = msgspec.field(default_factory=_Later)


_DECODER: Final = msgspec.msgpack.Decoder(_Shard)


def shard_files(data: bytes) -> dict[str, bool]:
    """Return the files that a shard of ours names, and whether each is revoked."""
    unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    shard = _DECODER.decode(unpacked)
    later = {f"{stem}.conda": record for stem, record in shard.v3.conda.items()}
    later |= {f"{stem}.tar.bz2": record for stem, record in shard.v3.tar_bz2.items()}
    records = {**shard.packages, **shard.packages_conda, **later}
    return {filename: bool(record.revoked) for filename, record in records.items()}
