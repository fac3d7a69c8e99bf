"""Tens of thousands of real records of ten years are published and read back."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
import urllib3
from rattler import Channel, RepoData

from pulp_conda.formats.records import canonical_json
from tests.benchmark import real
from tests.builders import PackageBuilder
from tests.functional.channels import upload
from tests.functional.clients import solve_from
from tests.functional.harness import Rest, RunningServer
from tests.functional.shards import get, shard_index, shard_path, unpacked
from tests.real_data import needs_real_records, real_repodata

_SUBDIRS = ("linux-64", "noarch")
_MAPS = {"packages": ".tar.bz2", "packages.conda": ".conda"}
_DIGESTS = ("md5", "sha256")

pytestmark = needs_real_records

Records = dict[str, dict[str, Any]]


def expected(subdir: str) -> Records:
    """Return the records of a subdir as a channel stores them: whole floats become integers."""
    (path,) = real_repodata(subdir)
    found = real.records(path)
    return {file: msgspec.json.decode(canonical_json(record)) for file, record in found.items()}


def records_of(document: dict[str, Any]) -> Records:
    """Return all records of a document or shard; each must be in the map of its format."""
    assert "v3" not in document
    for key, ending in _MAPS.items():
        assert all(file.endswith(ending) for file in document[key])
    return {**document["packages"], **document["packages.conda"]}


def without_times(records: Records) -> tuple[Records, set[int]]:
    """Remove the indexed timestamp, which each record must have."""
    return records, {record.pop("indexed_timestamp") for record in records.values()}


def from_shards(channel: str, subdir: str) -> Records:
    """Return the records of all shards, with digests in hex as in JSON."""
    found: Records = {}
    # Thousands of requests: urllib3 on one connection takes half as long as `requests`.
    with urllib3.PoolManager() as pool:
        for name, digest in shard_index(channel, subdir)["shards"].items():
            data = pool.request("GET", f"{channel}/{shard_path(digest, subdir)}").data
            assert sha256(data).digest() == digest
            for file, record in records_of(msgspec.msgpack.decode(unpacked(data))).items():
                assert record["name"] == name
                assert record.pop("run_exports") == {}
                record |= {kind: record[kind].hex() for kind in _DIGESTS if kind in record}
                found[file] = record
    return found


@pytest.fixture
def channel(server: RunningServer, rest: Rest, owner: str) -> str:
    """A channel of all real records, published."""
    repository = rest.create("repositories/conda/conda/", name=f"{owner}/main")
    href = {"repository": repository["pulp_href"]}
    rest.create("distributions/conda/conda/", name=owner, base_path=f"{owner}/main", **href)
    paths = [str(path) for subdir in _SUBDIRS for path in real_repodata(subdir)]
    server.shell(f"from tests.benchmark.loading import main\nmain('{owner}/main', *{paths})")
    rest.create("publications/conda/conda/", **href)
    return server.channel(owner)


def test_real_records_come_back_equal(
    server: RunningServer, channel: str, owner: str, tmp_path: Path
) -> None:
    for subdir in _SUBDIRS:
        real_ones = expected(subdir)
        plain = get(channel, f"{subdir}/repodata.json")
        assert unpacked(get(channel, f"{subdir}/repodata.json.zst")) == plain
        served, times = without_times(records_of(msgspec.json.decode(plain)))
        assert served == real_ones
        assert len(times) == 1, "one version added all of them"
        # Thousands of shards, read at the content app's own URL.
        content = f"{server.origin}/pulp/content/{owner}/main"
        sharded, of_shards = without_times(from_shards(content, subdir))
        assert sharded == real_ones
        assert of_shards == times
        run_exports = records_of(msgspec.json.decode(get(channel, f"{subdir}/run_exports.json")))
        assert run_exports == {file: {"run_exports": {}} for file in real_ones}
        assert_readable(plain, len(real_ones), tmp_path)
    found = solve_from([channel], ["python 3.8.*", "numpy"])
    assert any(file.startswith("python-3.8.") for file in found)

    # One more package, so that the new documents are merged from the previous ones.
    upload(server, channel, PackageBuilder(owner))
    joined, _ = without_times(records_of(msgspec.json.decode(get(channel, "noarch/repodata.json"))))
    assert joined.pop(f"{owner}-1.0-0.conda")["name"] == owner
    assert joined == real_ones


def assert_readable(document: bytes, count: int, folder: Path) -> None:
    """Read a document with a client that refuses all of it for one invalid record."""
    path = folder / "repodata.json"
    path.write_bytes(document)
    records = RepoData.from_path(path).into_repo_data(Channel("https://example.org/any"))
    assert len(records) == count
