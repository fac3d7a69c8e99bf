"""What the content app finds at a channel's paths, compared with the models' language."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from hypothesis import given, settings
from hypothesis import strategies as st
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.channels.changes.delta import Delta
from pulp_conda.app.channels.changes.versions import change
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.content import lookup
from pulp_conda.app.core.publications import DistributedPublication
from pulp_conda.app.models import (
    ChannelName,
    CondaDistribution,
    CondaPackage,
    CondaPublication,
    CondaRepository,
    Withdrawal,
    publication_of,
    published_version,
    with_served_version,
)
from pulp_conda.formats.layout import parse_path
from tests.builders import PackageBuilder
from tests.database.factories import make_channel, save_package, upload

_MAIN = ChannelName("org", "main")


def found(package: CondaPackage, channel: ChannelName = _MAIN) -> str | None:
    """Return the digest of what a package's path names in a channel."""
    served = lookup.channel_named(channel)
    assert served is not None
    index = lookup.served_index(served)
    where = parse_path(package.relative_path)
    assert where is not None
    if index is None:
        return None
    file = lookup.package(served, index, where)
    return file.digest if file else None


def replaced(repository: CondaRepository) -> tuple[CondaPackage, CondaPackage]:
    """Upload a package, and another one in its place; return both."""
    (old,) = upload(repository, PackageBuilder())
    new = save_package(PackageBuilder().about(summary="new"))
    publish(change(repository, Delta.listed({new.pk}, {old.pk})))
    return old, new


def test_what_the_index_names_is_found_in_any_case_of_the_owner(
    repository: CondaRepository,
) -> None:
    (package,) = upload(repository, PackageBuilder())
    assert found(package) == found(package, ChannelName("ORG", "main")) == package.sha256


def test_the_newer_of_two_files_of_one_path_is_found(repository: CondaRepository) -> None:
    old, new = replaced(repository)
    assert old.relative_path == new.relative_path
    assert found(old) == new.sha256


def test_what_was_served_lately_is_found_until_its_time_is_over(
    repository: CondaRepository,
) -> None:
    (package,) = upload(repository, PackageBuilder())
    publish(change(repository, Delta.listed(set(), {package.pk})))
    assert found(package) == package.sha256
    # PostgreSQL's now() is the start of the test's transaction, which may be some seconds ago.
    DistributedPublication.objects.exclude(expires_at=None).update(
        expires_at=now() - timedelta(hours=1)
    )
    assert found(package) is None


def test_what_was_withdrawn_is_not_found(repository: CondaRepository) -> None:
    (package,) = upload(repository, PackageBuilder())
    version = change(repository, Delta.listed(set(), {package.pk}))
    publish(version)
    Withdrawal.objects.create(
        repository=repository,
        subdir=package.subdir,
        filename=package.filename,
        version=version.number,
    )
    assert found(package) is None


def test_a_pinned_channel_serves_its_version(repository: CondaRepository) -> None:
    old, new = replaced(repository)
    version = repository.versions.get(number=1)
    CondaDistribution.objects.filter(repository=repository).update(
        repository=None, repository_version=version
    )
    assert found(new) == old.sha256


@pytest.mark.parametrize("case", ["repository", "version", "publication", "nothing"])
def test_what_a_channel_serves_is_found_without_its_versions_content(
    repository: CondaRepository, case: str
) -> None:
    upload(repository, PackageBuilder())
    version = repository.latest_version()
    pins = {
        "repository": {"repository": repository},
        "version": {"repository_version": version},
        "publication": {"publication": version.publication_set.get()},
        "nothing": {},
    }
    nothing = {"repository": None, "repository_version": None, "publication": None}
    distributions = CondaDistribution.objects.filter(repository=repository)
    (pk,) = distributions.values_list("pk", flat=True)
    distributions.update(**{**nothing, **pins[case]})
    distribution = CondaDistribution.objects.get(pk=pk)
    with CaptureQueriesContext(connection) as captured:
        served = distribution.served_repository
    assert served == (None if case == "nothing" else repository)
    assert not any("content_ids" in query["sql"] for query in captured.captured_queries)


_PUBLICATIONS = st.sampled_from(["none", "incomplete", "complete", "twice"])


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sets(st.integers(0, 2)), _PUBLICATIONS), min_size=1, max_size=6),
    st.sampled_from(["repository", "version", "publication"]),
    st.integers(0, 5),
)
def test_sql_and_models_agree_on_what_is_served(
    steps: list[tuple[set[int], str]], pin: str, chosen: int
) -> None:
    """At random histories: each step chooses what is held, and how that is published.

    The channel follows its repository, or is pinned to one of the versions or publications.
    """
    name = f"agree{now().timestamp()}".replace(".", "")
    repository = make_channel("org", name)
    packages = [save_package(PackageBuilder(f"{name}-{number}")) for number in range(3)]
    _make_versions(repository, packages, steps)
    distributions = CondaDistribution.objects.filter(base_path=f"org/{name}")
    _pin(distributions, repository, pin, chosen)
    channel = lookup.channel_named(ChannelName("org", name))
    assert channel is not None
    index, served = lookup.served_index(channel), with_served_version(distributions).get().served
    if served is None:
        assert index is None
        return
    version = RepositoryVersion.objects.get(pk=served)
    assert index is not None
    assert index.number == version.number
    if pin == "repository":
        assert version == published_version(repository.pk)
    if pin != "publication":
        assert index.publication == getattr(publication_of(version), "pk", None)
    named = set(CondaPackage.objects.in_version(version).values_list("sha256", flat=True))
    DistributedPublication.objects.all().delete()
    for package in packages:
        assert (found(package, ChannelName("org", name)) is not None) == (package.sha256 in named)


def _make_versions(
    repository: CondaRepository, packages: list[CondaPackage], steps: list[tuple[set[int], str]]
) -> None:
    held: set[int] = set()
    for wanted, published in steps:
        if wanted != held:
            delta = Delta.listed(
                {packages[number].pk for number in wanted - held},
                {packages[number].pk for number in held - wanted},
            )
            change(repository, delta)
            held = wanted
        _publish(repository.latest_version(), published)


def _publish(version: RepositoryVersion, how: str) -> None:
    if how == "incomplete":
        CondaPublication.create(version)
    for _ in range({"complete": 1, "twice": 2}.get(how, 0)):
        publish(version)


def _pin(
    distributions: QuerySet[CondaDistribution], repository: CondaRepository, pin: str, chosen: int
) -> None:
    """Let the channel serve one of the repository's versions or publications, if it has any."""
    versions = list(repository.versions.order_by("number"))
    publications = list(CondaPublication.objects.filter(repository_version__in=versions))
    if pin == "version":
        version = versions[chosen % len(versions)]
        distributions.update(repository=None, repository_version=version)
    elif pin == "publication" and publications:
        publication = publications[chosen % len(publications)]
        distributions.update(repository=None, publication=publication)
