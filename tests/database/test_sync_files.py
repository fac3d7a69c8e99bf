"""Files of a mirror with the policy `immediate`: a package is in the channel with its file."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from pulpcore.plugin.models import ContentArtifact, RemoteArtifact

from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.channels.transfer.spool import DiskFailed
from pulp_conda.app.models import MIRROR, CondaRepository
from tests.database.upstream_channel import (
    UpstreamChannel,
    held,
    make_remote,
    synced,
)
from tests.unit.formats.channels import SUBDIR, Record, record


def body(name: str, version: str = "1.0") -> bytes:
    """Return the bytes of a file. The server does not open the files of a mirror."""
    return f"{name} {version}".encode() * 1000


def published(upstream: UpstreamChannel, *packages: tuple[str, str], **fields: Any) -> None:
    """Let the upstream have packages with files."""

    def whole(name: str, version: str) -> Record:
        data = body(name, version)
        stated = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data),
                  "md5": hashlib.md5(data).hexdigest()}  # fmt: skip
        return record(name, version, **{**stated, **fields})

    upstream.publish(*(whole(*package) for package in packages))
    upstream.documents |= {
        f"{SUBDIR}/{name}-{version}-0.conda": body(name, version) for name, version in packages
    }


def files_of(repository: CondaRepository) -> dict[str, bytes]:
    """Return the files of a channel's packages by file name, empty where there is none."""
    found = ContentArtifact.objects.filter(content__in=[p.pk for p in held(repository).values()])
    return {
        Path(file.relative_path).name: file.artifact.file.read() if file.artifact else b""
        for file in found
    }


def test_files_come_with_the_sync(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    published(upstream, ("a", "1.0"), ("b", "1.0"))
    result = synced(repository, make_remote(upstream, policy="immediate"))
    assert result["counts"]["added"] == 2
    assert files_of(repository) == {"a-1.0-0.conda": body("a"), "b-1.0-0.conda": body("b")}
    urls = set(RemoteArtifact.objects.values_list("url", flat=True))
    assert urls == {f"{upstream.url}/{SUBDIR}/{name}-1.0-0.conda" for name in "ab"}
    assert not list(Path(settings.WORKING_DIRECTORY, "conda-fetch").iterdir())


def test_a_file_is_fetched_once(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    published(upstream, ("a", "1.0"))
    remote = make_remote(upstream, policy="immediate")
    synced(repository, remote)
    upstream.asked.clear()
    synced(repository, remote, MIRROR, optimize=False)
    assert f"{SUBDIR}/a-1.0-0.conda" not in upstream.asked


def test_the_policy_becomes_immediate(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    published(upstream, ("a", "1.0"))
    remote = make_remote(upstream)
    synced(repository, remote)
    assert files_of(repository) == {"a-1.0-0.conda": b""}
    remote.policy = "immediate"
    remote.save()
    synced(repository, remote)
    assert files_of(repository) == {"a-1.0-0.conda": body("a")}


@pytest.mark.parametrize(
    "answer",
    [(404, {}, b""), (200, {}, b"other"), (200, {}, body("a")[:-1] + b"x"), (403, {}, b"")],
)
def test_a_name_without_its_file_stays_as_it_is(
    repository: CondaRepository, upstream: UpstreamChannel, answer: Any
) -> None:
    published(upstream, ("a", "1.0"), ("b", "1.0"))
    remote = make_remote(upstream, policy="immediate")
    synced(repository, remote, MIRROR)
    published(upstream, ("a", "1.0"), ("a", "2.0"), ("b", "2.0"))
    path = f"{SUBDIR}/a-2.0-0.conda"
    upstream.odd[path] = lambda: answer
    result = synced(repository, remote, MIRROR)
    assert files_of(repository) == {"a-1.0-0.conda": body("a"), "b-2.0-0.conda": body("b", "2.0")}
    (fault,) = result["faults"]
    assert fault["path"] == path
    upstream.odd.clear()
    synced(repository, remote, MIRROR)
    assert files_of(repository)["a-2.0-0.conda"] == body("a", "2.0")


def test_an_upstream_that_gives_no_file_fails_the_sync(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    packages = [(f"n{number:02}", "1.0") for number in range(40)]
    published(upstream, *packages)
    for name, version in packages:
        upstream.odd[f"{SUBDIR}/{name}-{version}-0.conda"] = lambda: (500, {}, b"")
    with pytest.raises(FetchFailed):
        synced(repository, make_remote(upstream, policy="immediate"))
    assert repository.latest_version().number == 0


def test_a_file_is_checked_by_its_md5_if_there_is_no_other_hash(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    published(upstream, ("a", "1.0"), sha256=None, size=None)
    synced(repository, make_remote(upstream, policy="immediate"))
    assert files_of(repository) == {"a-1.0-0.conda": body("a")}


def test_the_disk_is_full(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    published(upstream, ("a", "1.0"))
    remote = make_remote(upstream, policy="immediate")
    with override_settings(CONDA_DISK_RESERVE_BYTES=2**60), pytest.raises(DiskFailed):
        synced(repository, remote)
    assert repository.latest_version().number == 0
    synced(repository, remote)
    assert files_of(repository) == {"a-1.0-0.conda": body("a")}
