"""For how long a commit waits for more changes."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from pulp_conda.app.channels.changes import batch
from pulp_conda.app.channels.changes.batch import wait_for_batch
from pulp_conda.app.models import REMOVAL, CondaRepository, PendingChange
from tests.builders import PackageBuilder
from tests.database.factories import upload

_PATIENCE_SECONDS = 60.0


def waits_in_database(repository: CondaRepository, number: int) -> None:
    """Let so many changes wait."""
    for _ in range(number):
        PendingChange.objects.create(
            repository=repository, kind=REMOVAL, expires=now() + timedelta(minutes=1)
        )


def polls(repository: CondaRepository) -> int:
    """Wait for a batch; return how often it looked who waits."""
    statements: list[str] = []

    def noted(execute: Any, statement: str, *arguments: Any) -> Any:
        statements.append(statement)
        return execute(statement, *arguments)

    with connection.execute_wrapper(noted):
        wait_for_batch(repository)
    return sum("waiting.number" in statement for statement in statements)


@pytest.mark.parametrize("uploaded", [0, 1])
def test_a_lone_client_never_waits_for_a_batch(repository: CondaRepository, uploaded: int) -> None:
    for number in range(uploaded):
        upload(repository, PackageBuilder(f"p{number}"))
    waits_in_database(repository, 1)
    assert polls(repository) == 1


@pytest.mark.parametrize("waiting", [1, 2])
def test_a_batch_of_one_is_followed_at_once(repository: CondaRepository, waiting: int) -> None:
    upload(repository, PackageBuilder())
    waits_in_database(repository, waiting)
    assert polls(repository) == 1


def test_those_who_were_served_are_waited_for_a_while(repository: CondaRepository) -> None:
    upload(repository, PackageBuilder("a"), PackageBuilder("b"))
    waits_in_database(repository, 2)
    assert polls(repository) > 1


def test_clients_of_long_ago_are_not_waited_for(repository: CondaRepository) -> None:
    upload(repository, *(PackageBuilder(f"p{number}") for number in range(5)))
    repository.versions.update(pulp_created=now() - timedelta(seconds=30))
    assert polls(repository) == 1


def test_those_who_come_while_a_batch_is_waited_for_are_counted(
    repository: CondaRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(repository, *(PackageBuilder(f"p{number}") for number in range(3)))
    monkeypatch.setattr(batch, "_IDLE_SECONDS", _PATIENCE_SECONDS)
    monkeypatch.setattr(batch, "_LONGEST_SECONDS", _PATIENCE_SECONDS)
    monkeypatch.setattr("time.sleep", lambda _: waits_in_database(repository, 1))
    waits_in_database(repository, 1)
    assert polls(repository) == 3, "the third of three comes with the second look"
