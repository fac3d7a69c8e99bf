"""How long uploads wait for a busy channel, and how many may wait."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.homes import Homes
from tests.functional.production import Production, production

_CLIENTS = 8
_SHORT_SECONDS = 8


@pytest.fixture
def busy(homes: Homes, tmp_path: Path) -> Iterator[Production]:
    """A channel that a waiting task holds, on a server without workers."""
    with production(homes.make(tmp_path / "home")) as running:
        running.start_api("--timeout=900", "--preload", f"--workers={_CLIENTS}")
        for channel in ("main", "other"):
            assert running.upload(PackageBuilder(channel).conda(), channel).status_code == 201
        running.change()
        yield running


def refused_while_others_wait(
    running: Production, pool: ThreadPoolExecutor
) -> tuple[list[requests.Response], set[Future[requests.Response]]]:
    """Upload from many clients; return the first refusal, and the uploads that wait."""
    packages = [PackageBuilder(f"demo{number}").conda() for number in range(_CLIENTS)]
    waiting = {pool.submit(running.upload, package) for package in packages}
    refused: list[requests.Response] = []
    while len(refused) < _CLIENTS // 2:
        done, waiting = wait(waiting, timeout=60, return_when="FIRST_COMPLETED")
        assert done, "too many wait"
        refused += [future.result() for future in done]
    return refused, waiting


def test_half_of_the_processes_wait_for_one_channel(busy: Production) -> None:
    with ThreadPoolExecutor(_CLIENTS) as pool:
        refused, waiting = refused_while_others_wait(busy, pool)
        assert [answer.status_code for answer in refused] == [503] * (_CLIENTS // 2)
        for answer in refused:
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["reason"] == "Service Unavailable"
        began = time.monotonic()
        for _ in range(10):
            assert requests.get(f"{busy.api}/pulp/api/v3/status/", timeout=60).ok
            assert busy.upload(PackageBuilder("late").conda()).status_code == 503
        print(f"10 times status/ and a refusal: {time.monotonic() - began:.2f} s")
        assert not any(future.done() for future in waiting)
        assert busy.upload(PackageBuilder("elsewhere").conda(), "other").status_code == 201
        busy.start_worker("worker")
        assert {future.result().status_code for future in waiting} == {201}


def test_an_upload_waits_less_than_the_web_server_allows(busy: Production) -> None:
    busy.start_api(f"--timeout={_SHORT_SECONDS}", "--workers=1", name="short")
    began = time.monotonic()
    refused = busy.upload(PackageBuilder("demo").conda())
    assert time.monotonic() - began < _SHORT_SECONDS
    assert (refused.status_code, refused.json()["reason"]) == (503, "Service Unavailable")
    log = (busy.home.logs / "short.log").read_text()
    assert "pulp_conda.W001" in log
    assert "for 6 s at most" in log
    assert "WORKER TIMEOUT" not in log
    assert "pulp_conda.W001" not in (busy.home.logs / "api.log").read_text()
