"""The records of several channels over ten years, as a document and as the shards made of it."""

from collections import Counter
from pathlib import Path

import pytest
import zstandard

from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.index.shards import IndexedPackage, ShardEncoder, build_shards
from pulp_conda.formats.records import is_v3
from pulp_conda.formats.upstream.document import Document, decode_document
from pulp_conda.formats.upstream.records import MirroredRecord, mirrored_record
from pulp_conda.formats.upstream.shard import decode_shard
from tests.real_data import needs_real_records, real_repodata


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
