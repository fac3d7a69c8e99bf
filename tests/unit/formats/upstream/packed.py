"""Documents of upstreams, made for a test."""

from collections.abc import Mapping
from typing import Any

import msgspec
import zstandard

NAME, SUBDIR = "demo", "linux-64"
FILENAME = "demo-1.0-0.conda"


def record(**fields: Any) -> dict[str, Any]:
    """Return a record of the file `FILENAME`; a field that is `...` is left out."""
    made = {
        "name": NAME, "version": "1.0", "build": "0", "build_number": 0, "subdir": SUBDIR,
        "depends": [], "md5": "b" * 32, "sha256": "a" * 64, "size": 5, **fields,
    }  # fmt: skip
    return {key: value for key, value in made.items() if value is not ...}


def zst(data: bytes, *, content_size: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=content_size).compress(data)


def packed(value: object) -> bytes:
    return zst(msgspec.msgpack.encode(value))


def shard_index(shards: Mapping[Any, Any], **fields: Any) -> bytes:
    info = {"subdir": SUBDIR, "base_url": "", "shards_base_url": "./shards/"}
    return packed({"version": 1, "info": info, "shards": shards, **fields})


def shard(*, v3: Mapping[str, Any] | None = None, **packages: Any) -> bytes:
    """Return a shard; `conda` and `tar_bz2` are its records by file name."""
    maps = {"packages": packages.get("tar_bz2", {}), "packages.conda": packages.get("conda", {})}
    return packed({**maps, **({"v3": v3} if v3 else {})})
