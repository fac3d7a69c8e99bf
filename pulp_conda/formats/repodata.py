"""The monolithic documents `repodata.json` and its compressed twins (CEP 36)."""

import bz2
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

import msgspec
import zstandard

from .shards import Shard

ZSTD_LEVEL = 1
"""On real repodata level 1 is smaller than levels 3 to 15 and 2 to 75 times as fast."""

_SPOOL_BYTES = 8 * 1024**2
_COPY_BYTES = 1024**2


def write_repodata(subdir: str, shards: Iterable[Shard], plain: IO[bytes], zst: IO[bytes]) -> int:
    """Write a subdir's repodata twice, plain and compressed, from the very same bytes.

    Equal shards in equal order give equal bytes. Memory is bounded by the largest shard: the
    document's second map waits in a temporary file until the first is complete.

    Returns:
        How many records the document holds.
    """
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
    records = 0
    with compressor.stream_writer(zst, closefd=False) as compressed:
        for chunk in _document(subdir, shards):
            plain.write(chunk.data)
            compressed.write(chunk.data)
            records += chunk.records
    return records


def write_bz2(plain: IO[bytes], compressed: IO[bytes]) -> None:
    """Write the bz2 twin of a document: equal bytes of equal bytes, some 100 ms a megabyte."""
    with bz2.BZ2File(compressed, "wb") as target:
        shutil.copyfileobj(plain, target, _COPY_BYTES)


class _Chunk(msgspec.Struct, frozen=True):
    data: bytes
    records: int = 0


def _document(subdir: str, shards: Iterable[Shard]) -> Iterator[_Chunk]:
    info = msgspec.json.encode({"subdir": subdir})
    yield _Chunk(b'{"info":' + info + b',"packages":{')
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as later:
        separator, later_separator = "", ""
        for shard in shards:
            if shard.packages:
                pieces = separator + ",".join(shard.packages)
                yield _Chunk(pieces.encode(), len(shard.packages))
                separator = ","
            if shard.packages_conda:
                later.write((later_separator + ",".join(shard.packages_conda)).encode())
                later_separator = ","
                yield _Chunk(b"", len(shard.packages_conda))
        yield _Chunk(b'},"packages.conda":{')
        later.seek(0)
        while data := later.read(_COPY_BYTES):
            yield _Chunk(data)
    yield _Chunk(b'},"removed":[],"repodata_version":1}')
