"""Tens of thousands of real records, of ten years and many channels, published and read back."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from pulp_conda.formats.records import canonical_json
from tests.benchmark import real
from tests.functional.clients import solve_from
from tests.functional.harness import Rest, RunningServer
from tests.functional.recorder import Recorder
from tests.functional.test_shards import get, shard_index, shard_path, unpacked

_DATA = Path(__file__).parents[3] / "shared" / "data" / "repodata"
_SUBDIRS = ("linux-64", "noarch")
_MAPS = {"packages": ".tar.bz2", "packages.conda": ".conda"}
_DIGESTS = ("md5", "sha256")
_SPECS = ["python 3.8.*", "numpy"]

pytestmark = pytest.mark.skipif(not _DATA.exists(), reason="the real records are not here")

Records = dict[str, dict[str, Any]]


def expected(subdir: str) -> Records:
    """Return the records of a subdir as a channel keeps them: whole floats become integers."""
    found = real.records(_DATA / subdir / "repodata.json.zst")
    return {file: msgspec.json.decode(canonical_json(record)) for file, record in found.items()}


def records_of(document: dict[str, Any]) -> Records:
    """Return all records of a document or shard, each of which must lie in its format's map."""
    assert "v3" not in document
    for key, ending in _MAPS.items():
        assert all(file.endswith(ending) for file in document[key])
    return {**document["packages"], **document["packages.conda"]}


def without_times(records: Records) -> tuple[Records, set[int]]:
    """Take out of the records when they were indexed, which each must say."""
    return records, {record.pop("indexed_timestamp") for record in records.values()}


def from_shards(channel: str, subdir: str) -> Records:
    """Return the records of all shards, as JSON has them."""
    found: Records = {}
    # Thousands of requests, so all go over one connection.
    with requests.Session() as session:
        for name, digest in shard_index(channel, subdir)["shards"].items():
            data = session.get(f"{channel}/{shard_path(digest, subdir)}", timeout=30).content
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
    paths = [str(_DATA / subdir / "repodata.json.zst") for subdir in _SUBDIRS]
    server.shell(f"from tests.benchmark.loading import main\nmain('{owner}/main', *{paths})")
    rest.create("publications/conda/conda/", **href)
    return server.channel(owner)


def test_real_records_come_back_equal(server: RunningServer, channel: str) -> None:
    for subdir in _SUBDIRS:
        real_ones = expected(subdir)
        plain = get(channel, f"{subdir}/repodata.json")
        assert unpacked(get(channel, f"{subdir}/repodata.json.zst")) == plain
        served, times = without_times(records_of(msgspec.json.decode(plain)))
        assert served == real_ones
        assert len(times) == 1, "all came with one version"
        sharded, of_shards = without_times(from_shards(channel, subdir))
        assert sharded == real_ones
        assert of_shards == times
        run_exports = records_of(msgspec.json.decode(get(channel, f"{subdir}/run_exports.json")))
        assert run_exports == {file: {"run_exports": {}} for file in real_ones}
    by_shards = solve_from([channel], _SPECS)
    assert any(file.startswith("python-3.8.") for file in by_shards)
    # A client that reads the whole document stumbles over the first record that it cannot take.
    with Recorder(server.origin, lambda path: "shards" in path) as recorder:
        through = channel.replace(server.origin, recorder.origin)
        assert solve_from([through], _SPECS) == by_shards
        assert "repodata.json.zst" in recorder.fetched()
