"""A process dies at a chosen instant, without a supervisor: the next request recovers."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.homes import Homes
from tests.functional.production import Production, production

_INSTANTS = {
    "pulpcore": ("index saved", "task saved", "task running", "committed", "task ended"),
    "redis": ("index saved", "redis locked", "committed", "redis task ended"),
}
_COMMIT_LOCK = 0x636F6E64
_COMMITTING = 0x636F6E63


@pytest.fixture(scope="module", params=["pulpcore", "redis"])
def running(
    request: pytest.FixtureRequest, homes: Homes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Production]:
    """Started as the guide says, with each kind of workers; two of them, so that one may die."""
    settings = {"PULP_WORKER_TYPE": request.param}
    if request.param == "redis":
        settings["PULP_REDIS_HOST"] = "127.0.0.1"
        settings["PULP_REDIS_PORT"] = str(request.getfixturevalue("redis"))
    home = homes.make(tmp_path_factory.mktemp("production") / "home")
    with production(home, **settings) as started:
        started.start_api("--timeout=900", "--workers=4")
        started.start_content()
        for channel in ("main", "other"):
            answer = started.upload(PackageBuilder(channel).conda(), channel)
            assert answer.status_code == 201, answer.text
        yield started


@pytest.fixture
def workers(running: Production) -> Iterator[tuple[str, str]]:
    """Two workers for one test."""
    names = ("worker-1", "worker-2")
    for name in names:
        running.start_worker(name)
    yield names
    running.bury()
    for name in names:
        if name in running.processes:
            running.kill(name)


@contextmanager
def in_background(action: Callable[[], requests.Response]) -> Iterator[Future[requests.Response]]:
    """Call a function in a thread while the block runs, and wait for it."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(action)


def assert_nothing_is_held(running: Production) -> None:
    """Check that no task is left that would hold a channel."""
    unfinished = "SELECT count(*) FROM core_task WHERE state IN ('running', 'canceling')"
    assert running.query(unfinished) == 0


def test_an_api_process_dies_during_a_commit(running: Production) -> None:
    kind = running.env["PULP_WORKER_TYPE"]
    wanted = running.names()
    for number, instant in enumerate(_INSTANTS[kind]):
        broken, following = PackageBuilder(f"broken{number}"), PackageBuilder(f"next{number}")
        running.order(instant, "die")
        with pytest.raises(requests.ConnectionError):
            running.upload(broken.conda())
        assert running.hit(instant).exists()
        assert running.upload(following.conda()).status_code == 201, instant
        assert running.upload(broken.conda()).status_code in (201, 409), instant
        wanted |= {broken.filename, following.filename}
    assert running.names() == wanted
    assert_nothing_is_held(running)


def test_an_api_process_dies_during_a_removal(running: Production) -> None:
    for name in ("gone", "kept"):
        assert running.upload(PackageBuilder(name).conda()).status_code == 201
    running.order("version saved", "die")
    with pytest.raises(requests.ConnectionError):
        running.remove("gone-1.0-0.conda")
    assert running.hit("version saved").exists()
    assert running.remove("gone-1.0-0.conda").status_code == 204
    assert "gone-1.0-0.conda" not in running.names()
    assert_nothing_is_held(running)


def test_a_process_that_is_only_slow_is_waited_for(running: Production) -> None:
    failed = "SELECT count(*) FROM core_task WHERE state = 'failed'"
    before = running.query(failed)
    running.order("index saved", "stop")
    with in_background(lambda: running.upload(PackageBuilder("slow").conda())) as slow:
        stopped = running.wait_for_hit("index saved")
        with in_background(lambda: running.upload(PackageBuilder("fast").conda())) as fast:
            running.wait(lambda: running.query(_waiting_for_lock()) == 1)
            os.kill(stopped, signal.SIGCONT)
            assert fast.result().status_code == 201
        assert slow.result().status_code == 201
    assert running.names() >= {"slow-1.0-0.conda", "fast-1.0-0.conda"}
    assert running.query(failed) == before


def test_a_process_that_lost_its_session_commits_nothing(running: Production) -> None:
    running.order("index saved", "stop")
    with in_background(lambda: running.upload(PackageBuilder("lost").conda())) as lost:
        stopped = running.wait_for_hit("index saved")
        running.query(
            "SELECT pg_terminate_backend(pid) FROM pg_locks "
            f"WHERE locktype = 'advisory' AND classid = {_COMMIT_LOCK}"
        )
        assert running.upload(PackageBuilder("after").conda()).status_code == 201
        assert "lost-1.0-0.conda" in running.names()  # taken along
        os.kill(stopped, signal.SIGCONT)
        assert lost.result().status_code in (201, 503)
    assert running.upload(PackageBuilder("lost").conda()).status_code in (201, 409)
    assert running.upload(PackageBuilder("later").conda()).status_code == 201
    assert running.names() >= {"lost-1.0-0.conda", "after-1.0-0.conda", "later-1.0-0.conda"}
    assert_nothing_is_held(running)


def test_workers_die_while_an_upload_waits_for_them(
    running: Production, workers: tuple[str, str]
) -> None:
    assert running.upload(PackageBuilder("first").conda()).status_code == 201
    running.order("version filled", "stop")
    running.change()
    stopped = running.wait_for_hit("version filled")
    running.order("index saved", "die")
    with in_background(lambda: running.upload(PackageBuilder("patient").conda())) as upload:
        running.wait(lambda: running.query(_DEFERRED) == 1)
        # The one that changes the channel; the other one dies with the upload's commit.
        running.kill(worker_of(running, workers, stopped))
        assert upload.result().status_code == 201
    assert running.hit("index saved").exists()
    assert "patient-1.0-0.conda" in running.names()
    assert_nothing_is_held(running)


def test_a_task_whose_worker_died_without_it_is_waited_for(
    running: Production, workers: tuple[str, str]
) -> None:
    assert running.upload(PackageBuilder("first").conda(), "orphaned").status_code == 201
    running.order("version filled", "stop")
    running.change("orphaned")
    stopped = running.wait_for_hit("version filled")
    running.kill_alone(worker_of(running, workers, stopped))
    package = PackageBuilder("patient").conda()
    with in_background(lambda: running.upload(package, "orphaned")) as upload:
        running.wait(lambda: running.query(_DEFERRED) == 1)
        os.kill(stopped, signal.SIGCONT)
        assert upload.result().status_code == 201
    changes = "FROM core_task WHERE name LIKE '%add_and_remove' ORDER BY pulp_created DESC LIMIT 1"
    assert running.query(f"SELECT state {changes}") == "completed"


_DEFERRED = """
    SELECT count(*) FROM core_task
     WHERE name LIKE '%acommit_pending' AND state = 'waiting' AND app_lock_id IS NULL
"""


def _waiting_for_lock() -> str:
    return (
        "SELECT count(*) FROM pg_locks "
        f"WHERE locktype = 'advisory' AND classid = {_COMMITTING} AND NOT granted"
    )


def worker_of(running: Production, workers: tuple[str, str], task_process: int) -> str:
    """Return the worker that forked a process."""
    found = [name for name in workers if task_process in running.processes[name].family()]
    assert len(found) == 1
    return found[0]
