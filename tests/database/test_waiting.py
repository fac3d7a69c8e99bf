"""How a request waits for a channel: the commit lock and its queue."""

import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from pulpcore.plugin.models import Task

from pulp_conda.app import webserver
from pulp_conda.app.channels.changes import commit_lock as commit_lock_module
from pulp_conda.app.channels.changes.commit_lock import (
    commit_lock,
    wait_for_commit,
    with_commit_lock,
)
from pulp_conda.app.channels.changes.sessions import (
    COMMIT_LOCK,
    COMMITTING,
    PRESENCE,
    QUEUE_PLACE,
    second_key,
)
from pulp_conda.app.channels.changes.task_outcome import CommitFailed, CommitTimeout
from pulp_conda.app.models import CondaRepository
from tests.database.factories import save_task
from tests.database.sessions import other_session

_PATIENCE_SECONDS = 60.0


def soon() -> float:
    """Return a deadline that lies shortly ahead."""
    return time.monotonic() + 0.05


def late() -> float:
    """Return a deadline that no test reaches."""
    return time.monotonic() + _PATIENCE_SECONDS


def is_free(repository: CondaRepository) -> bool:
    """Tell whether another session could commit."""
    key = second_key(repository.pk)
    with other_session() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_lock(%s, %s) AND pg_try_advisory_lock(%s, %s)",
            [COMMIT_LOCK, key, COMMITTING, key],
        )
        return bool(cursor.fetchone()[0])


@pytest.fixture
def holder(repository: CondaRepository) -> Iterator[Any]:
    """A cursor of another session, which commits in the channel."""
    key = second_key(repository.pk)
    with other_session() as cursor:
        cursor.execute(
            "SELECT pg_advisory_lock(%s, %s), pg_advisory_lock(%s, %s)",
            [COMMIT_LOCK, key, COMMITTING, key],
        )
        yield cursor


def test_a_free_lock_is_taken_at_once_and_given_back(repository: CondaRepository) -> None:
    with commit_lock(repository) as held:
        assert held
        assert not is_free(repository)
    assert is_free(repository)


def test_it_is_given_back_whatever_happens(repository: CondaRepository) -> None:
    with pytest.raises(ZeroDivisionError), commit_lock(repository):
        raise ZeroDivisionError
    assert is_free(repository)


def test_it_is_not_taken_from_its_holder(repository: CondaRepository, holder: Any) -> None:
    with commit_lock(repository) as held:
        assert not held
    assert not is_free(repository)


def test_each_channel_has_its_own(repository: CondaRepository, holder: Any) -> None:
    other = CondaRepository.objects.create(name="other")
    with commit_lock(other) as held:
        assert held


def test_nobody_waits_where_nobody_commits(repository: CondaRepository) -> None:
    wait_for_commit(repository, soon())
    with commit_lock(repository) as held:
        assert held


def test_who_waits_past_the_deadline_is_told_that_the_channel_is_busy(
    repository: CondaRepository, holder: Any
) -> None:
    with pytest.raises(CommitTimeout, match="busy"):
        wait_for_commit(repository, soon())
    with pytest.raises(CommitTimeout, match="busy"):
        wait_for_commit(repository, time.monotonic() - 1)


def test_all_who_wait_are_woken_together_when_the_holder_is_gone(
    repository: CondaRepository, holder: Any
) -> None:
    """None of them needs the lock to find its outcome."""
    key = second_key(repository.pk)

    def end_when_awaited() -> None:
        deadline = late()
        with other_session() as cursor:
            waiting = 0
            while waiting < 2 and time.monotonic() < deadline:
                cursor.execute(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                )
                (waiting,) = cursor.fetchone()
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks "
                "WHERE locktype = 'advisory' AND granted AND classid = %s",
                [COMMIT_LOCK],
            )

    def wait_and_stay() -> None:
        with other_session() as cursor:
            cursor.execute("SELECT pg_advisory_lock_shared(%s, %s)", [COMMITTING, key])
            woken.wait(_PATIENCE_SECONDS)

    woken = threading.Event()
    threads = [threading.Thread(target=each) for each in (end_when_awaited, wait_and_stay)]
    for thread in threads:
        thread.start()
    try:
        wait_for_commit(repository, late())
    finally:
        woken.set()
        for thread in threads:
            thread.join()
    with commit_lock(repository) as held:
        assert held


@pytest.mark.parametrize(
    ("processes", "places"), [(None, 1000), (1, 0), (2, 0), (3, 0), (4, 1), (8, 3), (9, 3)]
)
def test_with_the_holder_half_of_the_processes_may_wait(
    monkeypatch: pytest.MonkeyPatch, processes: int | None, places: int
) -> None:
    monkeypatch.setattr(webserver, "processes", lambda: processes)
    assert commit_lock_module._places() == places


@pytest.fixture
def taken_place(repository: CondaRepository) -> Iterator[None]:
    """Let the first place in the channel's queue be another session's."""
    with other_session() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [QUEUE_PLACE, second_key(repository.pk)])
        yield


@pytest.fixture
def stuck_queue(
    repository: CondaRepository, holder: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A queue with somebody in it who has waited for longer than a queue may stand."""
    monkeypatch.setattr(commit_lock_module, "_STUCK_MS", 0)
    key = second_key(repository.pk)
    began = threading.Event()

    def wait() -> None:
        with other_session() as cursor:
            cursor.execute("SET lock_timeout = '60s'")
            began.set()
            cursor.execute("SELECT pg_advisory_lock_shared(%s, %s)", [COMMITTING, key])

    waiting = threading.Thread(target=wait)
    waiting.start()
    began.wait()
    deadline = late()
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
                "AND waitstart < clock_timestamp()"
            )
            if cursor.fetchone():
                break
    yield
    holder.execute("SELECT pg_advisory_unlock(%s, %s)", [COMMITTING, key])
    waiting.join()


def test_who_has_no_place_is_refused_at_once_if_the_queue_does_not_move(
    repository: CondaRepository, stuck_queue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webserver, "processes", lambda: 2)
    with pytest.raises(CommitTimeout):
        wait_for_commit(repository, late())


def test_who_finds_all_places_taken_is_refused_likewise(
    repository: CondaRepository,
    stuck_queue: None,
    taken_place: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webserver, "processes", lambda: 4)
    with pytest.raises(CommitTimeout):
        wait_for_commit(repository, late())


def test_an_outcome_that_came_while_waiting_starts_no_task(
    repository: CondaRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_lock_module, "_take", lambda keys: False)

    def start() -> Task:
        raise AssertionError

    assert with_commit_lock(repository, start, lambda: "added", late()) == "added"


def test_who_did_not_wait_starts_a_task_without_asking_for_an_outcome(
    repository: CondaRepository,
) -> None:
    events: list[str] = []

    def start() -> Task:
        events.append("start")
        return save_task("completed")

    def outcome() -> str:
        events.append("outcome")
        return "added"

    assert with_commit_lock(repository, start, outcome, late()) == "added"
    assert events == ["start", "outcome"]


def test_a_request_fails_with_its_third_task(repository: CondaRepository) -> None:
    started = []

    def start() -> Task:
        started.append(save_task("failed"))
        return started[-1]

    with pytest.raises(CommitFailed, match="try again"):
        with_commit_lock(repository, start, lambda: None, late())
    assert len(started) == 3
    assert is_free(repository)


def test_keys_of_locks_are_signed_integers_of_32_bits() -> None:
    keys = [second_key(UUID(int=number)) for number in range(200)]
    assert all(-(2**31) <= key < 2**31 for key in keys)
    assert len(set(keys)) == 200


def test_no_place_in_a_queue_is_one_of_the_other_locks() -> None:
    places = range(QUEUE_PLACE, QUEUE_PLACE + commit_lock_module._UNLIMITED)
    assert not {COMMIT_LOCK, COMMITTING, PRESENCE} & set(places)
