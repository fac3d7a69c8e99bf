"""Reading a channel's documents and shards over HTTP."""

from hashlib import sha256
from typing import Any

import msgspec
import requests
import zstandard

ROOT_FILES = ("channeldata.json", "channeldata.json.zst")


SUBDIR_FILES = (
    "repodata.json", "repodata.json.zst", "repodata.json.bz2", "current_repodata.json",
    "current_repodata.json.zst", "current_repodata.json.bz2", "run_exports.json",
    "run_exports.json.zst", "repodata_shards.msgpack.zst",
)  # fmt: skip


VARIANT_SUFFIXES = (".zst", ".bz2")


def get(channel: str, path: str, status: int = 200) -> bytes:
    answer = requests.get(f"{channel}/{path}", timeout=30)
    assert answer.status_code == status, f"{path}: {answer.status_code}"
    return answer.content


def unpacked(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def shard_index(channel: str, subdir: str = "noarch") -> dict[str, Any]:
    data = get(channel, f"{subdir}/repodata_shards.msgpack.zst")
    found: dict[str, Any] = msgspec.msgpack.decode(unpacked(data))
    return found


def shard_path(digest: bytes, subdir: str = "noarch") -> str:
    return f"{subdir}/shards/{digest.hex()}.msgpack.zst"


def shard(channel: str, digest: bytes, subdir: str = "noarch") -> Any:
    data = get(channel, shard_path(digest, subdir))
    assert sha256(data).digest() == digest
    return msgspec.msgpack.decode(unpacked(data))


def everything(channel: str, *subdirs: str) -> dict[str, bytes]:
    """Return all documents and shards of a channel."""
    paths = [*ROOT_FILES, *(f"{subdir}/{name}" for subdir in subdirs for name in SUBDIR_FILES)]
    found = {path: get(channel, path) for path in paths}
    for subdir in subdirs:
        for digest in shard_index(channel, subdir)["shards"].values():
            path = shard_path(digest, subdir)
            found[path] = get(channel, path)
    return found
