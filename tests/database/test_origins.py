"""Where the file of a package may be fetched that is not here."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import now
from pulpcore.plugin.models import ContentArtifact, RemoteArtifact

from pulp_conda.app.channels.changes.delta import Delta
from pulp_conda.app.channels.changes.versions import change
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.intake.unit_fields import FileDigests
from pulp_conda.app.channels.transfer.wanted import WantedFile
from pulp_conda.app.channels.upkeep.check_files import check_packages, packages_of
from pulp_conda.app.content import lookup
from pulp_conda.app.content.fetch.origins import wanted_file
from pulp_conda.app.models import ChannelName, CondaPackage, CondaRemote, CondaRepository
from pulp_conda.formats.layout import parse_path
from tests.database.factories import configured, make_channel
from tests.mirrored_rows import save_origin, save_package
from tests.statements import Sent

_MAIN, _OTHER = ChannelName("org", "main"), ChannelName("org", "other")
_URL = "https://upstream.example.org"


@pytest.fixture
def package(repository: CondaRepository) -> CondaPackage:
    """A package of the channel whose file is not here."""
    package = save_package("far-1.0-0.conda", FileDigests("a" * 64, "b" * 32, "", 1234))
    publish(change(repository, Delta.listed({package.pk}, set())))
    return package


def wanted(package: CondaPackage, name: ChannelName = _MAIN) -> WantedFile | None:
    """Return what a channel would fetch for a package."""
    channel, where = lookup.channel_named(name), parse_path(package.relative_path)
    assert channel is not None
    assert where is not None
    index = lookup.served_index(channel)
    assert index is not None
    found = lookup.package(channel, index, where)
    assert isinstance(found, lookup.AbsentFile)
    return wanted_file(found, where)


def urls(package: CondaPackage, name: ChannelName = _MAIN) -> list[str]:
    """Return the URLs at which a channel would fetch a package."""
    file = wanted(package, name)
    return [origin.url for origin in file.origins] if file else []


def promoted(package: CondaPackage) -> CondaRepository:
    """Put a package into another channel too; return its repository."""
    other = make_channel("org", "other")
    publish(change(other, Delta.listed({package.pk}, set())))
    return other


def test_the_newest_look_at_an_upstream_comes_first(
    repository: CondaRepository, package: CondaPackage
) -> None:
    save_origin(repository, f"{_URL}/old", checked=now() - timedelta(days=1))
    save_origin(repository, f"{_URL}/new")
    save_origin(repository, f"{_URL}/oldest", checked=now() - timedelta(days=2))
    assert urls(package) == [
        f"{_URL}/{age}/noarch/far-1.0-0.conda" for age in ("new", "old", "oldest")
    ]


def test_another_channels_upstreams_count_only_without_own_ones(
    repository: CondaRepository, package: CondaPackage
) -> None:
    save_origin(repository, f"{_URL}/main")
    other = promoted(package)
    assert urls(package, _OTHER) == [f"{_URL}/main/noarch/far-1.0-0.conda"]
    save_origin(other, f"{_URL}/other")
    assert urls(package, _OTHER) == [f"{_URL}/other/noarch/far-1.0-0.conda"]


def test_a_channel_that_held_the_package_counts_too(
    repository: CondaRepository, package: CondaPackage
) -> None:
    save_origin(repository, f"{_URL}/main")
    promoted(package)
    change(CondaRepository.objects.get(pk=repository.pk), Delta.listed(set(), {package.pk}))
    assert urls(package, _OTHER) == [f"{_URL}/main/noarch/far-1.0-0.conda"]


def test_a_channel_that_never_held_it_does_not_count(package: CondaPackage) -> None:
    save_origin(make_channel("org", "other"), f"{_URL}/other")
    assert urls(package) == []


def test_a_reclaimed_file_is_fetched_where_it_came_from(package: CondaPackage) -> None:
    remote = CondaRemote.objects.create(name="gone", url=_URL, policy="streamed")
    RemoteArtifact.objects.create(
        content_artifact=ContentArtifact.objects.get(content=package),
        remote=remote,
        url=f"{_URL}/far.conda",
    )
    file = wanted(package)
    assert file is not None
    ((found, url, is_stored),) = file.origins
    assert (found, url, is_stored) == (remote.pk, f"{_URL}/far.conda", False)


@pytest.mark.parametrize(
    ("digests", "algorithm", "size"),
    [
        (FileDigests("a" * 64, "b" * 32, "", 9), "sha256", 9),
        (FileDigests("", "b" * 32, "", 0), "md5", None),
    ],
)
def test_a_file_is_described_by_its_record(
    repository: CondaRepository, digests: FileDigests, algorithm: str, size: int | None
) -> None:
    package = save_package("odd-1.0-0.conda", digests)
    publish(change(repository, Delta.listed({package.pk}, set())))
    save_origin(repository, _URL)
    file = wanted(package)
    assert file is not None
    assert (file.algorithm, file.size, file.path) == (algorithm, size, "noarch/odd-1.0-0.conda")
    assert file.digest == (digests.sha256 or digests.md5)


def test_a_look_up_takes_four_statements(
    repository: CondaRepository, package: CondaPackage
) -> None:
    save_origin(repository, _URL)
    sent = Sent()
    with connection.execute_wrapper(sent):
        assert urls(package)
    assert len(sent) == 4


def test_the_check_of_files_spares_what_can_be_fetched(
    repository: CondaRepository, package: CondaPackage
) -> None:
    version = repository.latest_version()
    assert len([fault for fault in check_packages(packages_of(version), checksums=True) if fault])
    save_origin(repository, _URL)
    assert list(check_packages(packages_of(version), checksums=True)) == [None]
    assert configured(repository).latest_version() == version
