"""The files that a shard names: those of a package name that patches have not removed."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from pulp_conda.formats.compression import zstd


class _Record(msgspec.Struct, gc=False):
    revoked: Any = None


class _V3(msgspec.Struct):
    conda: dict[str, _Record] = {}
    tar_bz2: dict[str, _Record] = msgspec.field(name="tar.bz2", default_factory=dict)


class _Shard(msgspec.Struct):
    packages: dict[str, _Record] = {}
    packages_conda: dict[str, _Record] = msgspec.field(name="packages.conda", default_factory=dict)
    v3: _V3 = msgspec.field(default_factory=_V3)


_DECODER: Final = msgspec.msgpack.Decoder(_Shard)


def shard_files(data: bytes) -> dict[str, bool]:
    """Return the files that a shard of this server names, and whether each is revoked."""
    shard = _DECODER.decode(zstd.decompress(data))
    v3 = {f"{stem}.conda": record for stem, record in shard.v3.conda.items()}
    v3 |= {f"{stem}.tar.bz2": record for stem, record in shard.v3.tar_bz2.items()}
    records = {**shard.packages, **shard.packages_conda, **v3}
    return {filename: bool(record.revoked) for filename, record in records.items()}
