"""Tests of rules, in process, against a real PostgreSQL.

What a test writes is rolled back. A test that asks for the fixture `real_commits` has a database of
its own, in which transactions are committed.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.database import cluster

__all__ = ["cluster"]

from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import transaction
from django.test import override_settings
from pulpcore.plugin.models import Task

from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.core.tasking import current_process, running
from pulp_conda.app.models import CondaPackage, CondaPublication, CondaRepository
from tests.builders import PackageBuilder
from tests.database.factories import changed, make_channel, save_package
from tests.database.own_database import own_database
from tests.database.upstream_channel import UpstreamChannel, upstream_channel

settings.register_profile(
    "database",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("database")

_numbers = count()


@pytest.fixture
def real_commits() -> None:
    """Ask for a database of the test's own."""


@pytest.fixture(autouse=True)
def rolled_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """Undo what a test writes."""
    if "real_commits" in request.fixturenames:
        with own_database():
            yield
        return
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def in_a_task(rolled_back: None) -> Iterator[None]:
    """Run a test in a task, which publications belong to."""
    # Were it unfinished, it would hold the repositories that the test creates against other tasks.
    task = Task(name="test", state="completed", logging_cid="", app_lock=current_process())
    Task.objects.bulk_create([task])  # saving one by itself gives roles
    with running(task):
        yield


@pytest.fixture
def loopback_allowed() -> Iterator[None]:
    """Let remotes reach this machine."""
    with override_settings(CONDA_UPSTREAM_ALLOWED_NETWORKS=["127.0.0.0/8", "::1/128"]):
        yield


@pytest.fixture
def repository() -> CondaRepository:
    """The repository of a new, public channel `org/main`."""
    return make_channel("org", "main")


@pytest.fixture
def user() -> User:
    """A user without any role."""
    return User.objects.create(username="somebody")


@pytest.fixture
def package() -> CondaPackage:
    """A package of a name that no other test has: the storage is not rolled back."""
    return save_package(PackageBuilder(f"checked{next(_numbers)}").payload(1000))


@pytest.fixture
def published(package: CondaPackage) -> CondaPublication:
    """The publication of a version that holds the package."""
    repository = CondaRepository.objects.create(name="org/main", autopublish=False)
    return publish(changed(repository, add=[package]))


@pytest.fixture
def upstream() -> Iterator[UpstreamChannel]:
    """An empty channel of another server."""
    Path(django_settings.WORKING_DIRECTORY).mkdir(exist_ok=True)
    with upstream_channel() as served:
        yield served
