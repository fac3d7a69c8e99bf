"""Real records, as a document and as shards: of ten years, and as another tool indexes packages."""

import asyncio
import shutil
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard
from rattler.index import index_fs

from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.index.shards import IndexedPackage, ShardEncoder, build_shards
from pulp_conda.formats.records import is_v3
from pulp_conda.formats.upstream.document import Document, decode_document, read_document
from pulp_conda.formats.upstream.records import MirroredRecord, mirrored_record
from pulp_conda.formats.upstream.shard import decode_shard
from pulp_conda.formats.upstream.shard_index import decode_shard_index
from pulp_conda.formats.upstream.urls import files_url, package_url, shard_url, shards_url
from tests.real_data import (
    needs_real_packages,
    needs_real_records,
    real_packages,
    real_repodata,
)


def read(path: Path) -> tuple[Document, list[MirroredRecord]]:
    data = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
    document = decode_document(data)
    found = [
        mirrored_record(filename, raw, name=name, subdir=path.parent.name)
        for name in sorted(document.digests)
        for filename, raw in sorted(document.records(name).items())
    ]
    return document, found


@needs_real_records
@pytest.mark.parametrize("subdir", ["linux-64", "noarch"])
def test_every_real_record_is_usable_and_the_same_from_a_shard(subdir: str) -> None:
    for path in real_repodata(subdir):
        document, from_json = read(path)
        assert document.faults == []
        packages = [
            IndexedPackage(each.name, each.filename, each.extension, each.record_json, {}, None)
            for each in from_json
        ]
        encoder = ShardEncoder()
        from_shards = [
            mirrored_record(filename, raw, name=shard.name, subdir=subdir)
            for shard in build_shards(packages)
            for filename, raw in sorted(decode_shard(encoder.encode(shard, ()).data).items())
        ]
        assert not any(is_v3(each.record) for each in from_json)
        # A shard of ours says that there are no run exports, and the document says nothing.
        assert len(from_shards) == len(from_json)
        for one, other in zip(from_json, from_shards, strict=True):
            assert other.run_exports == {}
            assert other._replace(run_exports=None, record_digest=one.record_digest) == one


@needs_real_records
def test_what_real_records_lack() -> None:
    lacking: Counter[str] = Counter()
    for path in real_repodata():
        for each in read(path)[1]:
            lacking["sha256"] += not each.sha256
            lacking["md5"] += not each.md5
            lacking["size"] += each.size is None
            lacking["timestamp"] += each.timestamp is None
            parts = PackageFilename.parse(each.filename)
            stated = (each.name, each.version, each.build)
            lacking["own file name"] += (parts.name, parts.version, parts.build) != stated
    assert lacking["md5"] == 0
    assert lacking["sha256"] > lacking["timestamp"] > lacking["size"] > lacking["own file name"] > 0


@needs_real_packages
def test_the_index_of_another_tool_says_the_same_in_both_forms(tmp_path: Path) -> None:
    for path in real_packages():
        folder = tmp_path / path.parent.name
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder)
    asyncio.run(index_fs(tmp_path, write_shards=True))
    count = with_exports = 0
    for index_path in tmp_path.glob("*/repodata_shards.msgpack.zst"):
        subdir, url = index_path.parent.name, f"https://up.example.org/{index_path.parent.name}/"
        index = decode_shard_index(index_path.read_bytes())
        document = read_document(index_path.with_name("repodata.json"))
        assert index.subdir == document.subdir == subdir
        assert index.created is not None
        assert index.digests.keys() == document.digests.keys()
        assert files_url(url, index.base_url) == url
        for name, digest in index.digests.items():
            place = shard_url(shards_url(url, index.shards_base_url), digest)
            data = (index_path.parent / place.removeprefix(url)).read_bytes()
            assert sha256(data).digest() == digest
            found = [
                {
                    filename: mirrored_record(filename, raw, name=name, subdir=subdir)
                    for filename, raw in records.items()
                }
                for records in (decode_shard(data), document.records(name))
            ]
            assert found[0] == found[1]
            for filename, record in found[0].items():
                place = package_url(url, filename).removeprefix(url)
                file = (index_path.parent / place).read_bytes()
                assert (record.sha256, record.size) == (sha256(file).hexdigest(), len(file))
                assert record.indexed is not None
                with_exports += bool(record.run_exports)
            count += len(found[0])
    assert count == len(real_packages())
    assert with_exports
