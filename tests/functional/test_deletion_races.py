"""Removals that are interrupted, repeated, or made at the same time."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

import requests

from tests.builders import PackageBuilder
from tests.functional.channels import (
    delete,
    modify_without,
    newest_version,
    packages,
    repository_of,
)
from tests.functional.harness import PATIENCE_SECONDS, Rest, RunningServer
from tests.functional.removals import BODY, FILE, channel

__all__ = ["channel"]


def test_a_removal_that_died_before_its_index_is_completed(
    rest: Rest, owner: str, channel: str
) -> None:
    repository = repository_of(rest, owner)
    rest.update(repository["pulp_href"], autopublish=False)
    modify_without(rest, repository, version="1.0")
    half_done = newest_version(rest, owner)
    assert "demo-1.0-0.conda" in packages(channel)
    rest.update(repository["pulp_href"], autopublish=True)
    assert delete(f"{channel}/{FILE}").status_code == 204
    assert packages(channel) == {"demo-2.0-0.conda"}
    assert newest_version(rest, owner) == half_done, "the version existed already"


def test_one_file_removed_by_many_at_once(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    before = newest_version(rest, owner)
    with ThreadPoolExecutor(8) as pool:
        statuses = [a.status_code for a in pool.map(delete, [f"{channel}/{FILE}"] * 8)]
    assert 204 in statuses
    assert set(statuses) <= {204, 404}
    assert packages(channel) == {"demo-2.0-0.conda"}
    assert _number(newest_version(rest, owner)) == _number(before) + 1


def test_many_files_removed_at_once_are_all_gone(server: RunningServer, owner: str) -> None:
    url = server.channel(owner)
    files = [PackageBuilder(f"demo{number}") for number in range(6)]
    for package in files:
        assert server.put(f"{url}/x.conda", package.conda()).status_code == 201

    def remove(package: PackageBuilder) -> int:
        answer = delete(f"{url}/noarch/{package.filename}")
        while answer.status_code == 503:  # only half of the API's processes may wait for a channel
            time.sleep(int(answer.headers["Retry-After"]))
            answer = delete(f"{url}/noarch/{package.filename}")
        assert package.filename not in packages(url), "204 means that the index is rid of it"
        return answer.status_code

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(remove, files)) == [204] * 6
    assert packages(url) == set()


def test_removing_and_uploading_one_name_at_once(
    server: RunningServer, owner: str, channel: str
) -> None:
    def put(_: int) -> int:
        return server.put(f"{channel}/x.conda", BODY).status_code

    def remove(_: int) -> int:
        return delete(f"{channel}/{FILE}").status_code

    actions: list[Callable[[int], int]] = [put, remove, remove] * 5
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda action: (action.__name__, action(0)), actions))
    assert {code for name, code in answers if name == "put"} <= {201, 409}
    assert {code for name, code in answers if name == "remove"} <= {204, 404}
    there = "demo-1.0-0.conda" in packages(channel)
    assert put(0) == (409 if there else 201)
    assert remove(0) == 204


_COMMIT_REMOVALS = """
from datetime import timedelta
from django.utils.timezone import now
from pulpcore.app.contexts import with_task_context
from pulpcore.plugin.models import Task
from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.models import REMOVAL, CondaRepository, PendingChange
repository = CondaRepository.objects.get()
selection = {"subdir": "noarch", "filename": "demo-1.0-0.conda"}
with with_task_context(Task.objects.create(name="a removal", state="running")):
    for newest, seconds in ((1, -1), (0, 60), (1, 60), (1, 60)):
        PendingChange.objects.create(
            repository=repository,
            kind=REMOVAL,
            payload={"selection": selection, "newest": newest},
            expires=now() + timedelta(seconds=seconds),
        )
        commit_pending(repository)
        print(repository.latest_version().number)
"""


def test_a_removals_task_that_runs_late_or_twice_does_no_harm(own_server: RunningServer) -> None:
    url = own_server.channel("acme")
    assert own_server.put(f"{url}/x.conda", BODY).status_code == 201
    numbers = own_server.shell(_COMMIT_REMOVALS).split()
    assert numbers == ["1", "1", "2", "2"], "expired; uploaded since; removed; nothing left"
    assert packages(url) == set()


def test_processes_killed_during_removals(own_server: RunningServer) -> None:
    url = own_server.channel("acme")
    files = [PackageBuilder(f"demo{number}") for number in range(8)]
    for package in files:
        assert own_server.put(f"{url}/x.conda", package.conda()).status_code == 201

    def remove(package: PackageBuilder) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                code = delete(f"{url}/noarch/{package.filename}").status_code
            except requests.ConnectionError:
                code = 503
            if code in (204, 404):
                return
            assert code in (502, 503)
            time.sleep(0.3)
        raise AssertionError(f"{package.filename} could not be removed")

    with ThreadPoolExecutor(4) as pool:
        removals = [pool.submit(remove, package) for package in files]
        for done, removal in enumerate(as_completed(removals), 1):
            removal.result()
            if victim := {1: "api", 3: "worker"}.get(done):
                own_server.kill(victim)
    assert packages(url) == set()


def _number(version_href: str) -> int:
    return int(version_href.rstrip("/").rpartition("/")[2])
