"""Compare files of two indexes whose bytes may differ because of their zstd libraries."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Any, Final

import msgspec

from pulp_conda.formats import layout
from pulp_conda.formats.compression import Readable, decompressed, zstd

from .manifest import MANIFEST, IndexManifest

_CHUNK_BYTES: Final = 1024**2


def content_digest(path: str, file: Readable) -> str:
    """Return a digest of the content of a file, which no version of a library affects.

    The name of a shard is a digest of its compressed bytes. So the digests in a shard index and in
    an index manifest do not count; only the names that have a shard do.

    Raises:
        ValueError: the file cannot be read.
    """
    name = PurePosixPath(path).name
    try:
        if name == MANIFEST:
            return _digest_of_manifest(file.read())
        if name == layout.REPODATA_SHARDS:
            return _digest_of_shard_index(file.read())
        if name.endswith(layout.ZST):
            with decompressed(file) as text:
                return _digest(text)
        return _digest(file)
    except (zstd.ZstdError, EOFError, msgspec.MsgspecError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def same_shard(data: bytes, other: bytes) -> bool:
    """Return whether two shards have the same content.

    Raises:
        ValueError: one of them cannot be read.
    """
    try:
        return zstd.decompress(data) == zstd.decompress(other)
    except zstd.ZstdError as error:
        raise ValueError(f"a shard cannot be read: {error}") from error


def _digest(file: Readable) -> str:
    hasher = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        hasher.update(chunk)
    return hasher.hexdigest()


def _digest_of_manifest(data: bytes) -> str:
    # Positions and packed sizes depend on the library too.
    parts = [
        [
            part.last,
            {section: text.size for section, text in part.texts.items()},
            list(part.shards),
            part.summary,
            list(part.entries.values()),
        ]
        for part in IndexManifest.decode(data).parts
    ]
    return _digest_of(parts)


def _digest_of_shard_index(data: bytes) -> str:
    document = msgspec.msgpack.decode(zstd.decompress(data))
    return _digest_of({**document, "shards": list(document["shards"])})


def _digest_of(value: Any) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(value)).hexdigest()
