"""An upstream that lists one file under several names: a path of the channel has one package."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from pulp_conda.app.models import ADDITIVE, MIRROR, CondaPackage, CondaRepository
from pulp_conda.formats.index.shards import encode_shard_index
from tests.database.upstream_channel import (
    UpstreamChannel,
    make_remote,
    synced,
    upstream_channel,
)
from tests.unit.formats.channels import SUBDIR, record
from tests.unit.formats.upstream.packed import shard

_PATH = f"{SUBDIR}/b-1.0-0.conda"


@pytest.fixture
def upstream() -> Iterator[UpstreamChannel]:
    """A channel of another server."""
    with upstream_channel() as served:
        served.publish()
        yield served


def listing(upstream: UpstreamChannel, **names: list[str]) -> None:
    """Let the upstream have shards of names, with files of any name."""
    digests: dict[str, bytes] = {}
    for name, filenames in names.items():
        files = {
            filename: {**record(name, "1.0"), "md5": hashlib.md5(filename.encode()).hexdigest()}
            for filename in filenames
        }
        data = shard(conda=files)
        digests[name] = hashlib.sha256(data).digest()
        upstream.documents[f"{SUBDIR}/shards/{digests[name].hex()}.msgpack.zst"] = data
    index = encode_shard_index(SUBDIR, digests, upstream.channel.created, {})
    upstream.documents[f"{SUBDIR}/repodata_shards.msgpack.zst"] = index


def packages(repository: CondaRepository) -> list[tuple[str, str]]:
    """Return the names and file names in the channel's newest version."""
    found = CondaPackage.objects.in_version(repository.latest_version())
    return sorted((package.filename, package.name) for package in found)


def test_a_path_belongs_to_the_name_that_it_is_made_of(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    listing(upstream, a=["a-1.0-0.conda", "b-1.0-0.conda"], b=["b-1.0-0.conda"])
    result: dict[str, Any] = synced(repository, make_remote(upstream))
    assert packages(repository) == [("a-1.0-0.conda", "a"), ("b-1.0-0.conda", "b")]
    (fault,) = result["faults"]
    assert fault["path"] == _PATH
    assert fault["fault"] == "a lists it, and so does the name that it belongs to"


def test_of_two_other_names_the_first_has_it(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    listing(upstream, a=["x-1.0-0.conda"], b=["x-1.0-0.conda"])
    assert len(synced(repository, make_remote(upstream))["faults"]) == 1
    assert packages(repository) == [("x-1.0-0.conda", "a")]


@pytest.mark.parametrize("mode", [MIRROR, ADDITIVE])
def test_a_path_that_the_channel_has_under_another_name(
    repository: CondaRepository, upstream: UpstreamChannel, mode: str
) -> None:
    remote = make_remote(upstream)
    listing(upstream, a=["a-1.0-0.conda", "b-1.0-0.conda"])
    assert synced(repository, remote, mode)["faults"] == []
    assert packages(repository) == [("a-1.0-0.conda", "a"), ("b-1.0-0.conda", "a")]
    listing(upstream, a=["a-1.0-0.conda", "b-1.0-0.conda"], b=["b-1.0-0.conda"])
    synced(repository, remote, mode)
    assert packages(repository) == [("a-1.0-0.conda", "a"), ("b-1.0-0.conda", "b")]
