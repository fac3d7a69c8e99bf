"""Files of two indexes that were compressed by different libraries."""

import io
from pathlib import Path

import msgspec
import pytest
import zstandard

from pulp_conda.formats import layout
from pulp_conda.formats.index.compare import content_digest, same_shard
from pulp_conda.formats.index.manifest import MANIFEST, IndexManifest
from tests.unit.formats.channels import SUBDIR, Channel, Documents, record


def recompressed(data: bytes) -> bytes:
    """Return another frame of the same text, as another library would make one."""
    text = zstandard.ZstdDecompressor().decompress(data)
    other = zstandard.ZstdCompressor(level=19, write_checksum=False).compress(text)
    assert other != data
    return other


def by_another_library(documents: Documents, shards: dict[str, bytes]) -> Documents:
    """Return the documents as another library would have compressed them and the shards."""
    other = {
        path: recompressed(data) if path.endswith(layout.ZST) else data
        for path, data in documents.items()
    }
    digests = {name: bytes(reversed(data[-32:])) for name, data in shards.items()}
    path = f"{SUBDIR}/{layout.REPODATA_SHARDS}"
    index = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(documents[path]))
    other[path] = zstandard.ZstdCompressor().compress(
        msgspec.msgpack.encode({**index, "shards": digests})
    )
    path = f"{SUBDIR}/{MANIFEST}"
    manifest = IndexManifest.decode(documents[path])
    parts = [
        msgspec.structs.replace(
            part,
            shards={name: digests[name] for name in part.shards},
            packed_entries=recompressed(part.packed_entries),
        )
        for part in manifest.parts
    ]
    manifest = IndexManifest(parts, manifest.starts)
    other[path] = manifest.encode()
    return other


def digests(documents: Documents) -> dict[str, str]:
    return {path: content_digest(path, io.BytesIO(data)) for path, data in documents.items()}


def test_another_library_makes_no_difference(tmp_path: Path) -> None:
    shards: dict[str, bytes] = {}
    channel = Channel(*(record(name, "1", "a") for name in ("a", "b", "c")))
    documents = channel.index(tmp_path / "index", shards=shards)
    other = by_another_library(documents, shards)
    assert {path for path in documents if documents[path] != other[path]} == {
        path for path in documents if path.endswith(layout.ZST)
    }
    assert digests(documents) == digests(other)
    assert all(same_shard(data, recompressed(data)) for data in shards.values())


def test_another_package_makes_a_difference_everywhere(tmp_path: Path) -> None:
    shards: dict[str, bytes] = {}
    channel = Channel(record("a", "1"), record("b", "1"))
    before = channel.index(tmp_path / "before", shards=shards)
    channel.records["c-1-0.conda"] = record("c", "1", exports={"weak": ["c"]})
    after = channel.index(tmp_path / "after")
    found, expected = digests(after), digests(before)
    assert {path for path in found if found[path] == expected[path]} == set()
    assert not same_shard(shards["a"], shards["b"])


@pytest.mark.parametrize("name", [MANIFEST, layout.REPODATA_SHARDS, "repodata.json.zst"])
@pytest.mark.parametrize("length", [0, 10, 40])
def test_a_damaged_file_cannot_be_compared(tmp_path: Path, name: str, length: int) -> None:
    documents = Channel(record("a", "1")).index(tmp_path / "index")
    damaged = documents[f"{SUBDIR}/{name}"][:length]
    with pytest.raises(ValueError, match=r"cannot be read|no index manifest"):
        content_digest(name, io.BytesIO(damaged))


def test_a_damaged_shard_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        same_shard(b"rubbish", b"rubbish")
