"""Files on demand with several content processes, some of which die, stop or have no room."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.functional import faulty_upstream as faults
from tests.functional.on_demand import LARGE, MIB, Channel


def test_fifty_clients_of_two_processes_take_one_request(channel: Channel) -> None:
    channel.has(LARGE)
    with ThreadPoolExecutor(50) as pool:
        got = list(pool.map(lambda number: channel.get(number % 2).content, range(50)))
    assert all(body == channel.body for body in got)
    assert channel.asked() == [""]


def test_the_death_of_the_fetching_process_is_noticed(channel: Channel) -> None:
    go_on = threading.Event()
    channel.has(LARGE, faults.held(MIB, go_on), None)
    third = channel.server.start_content("content-3")
    channel.origins = [*channel.origins, third]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(channel.partial, 2)
        channel.server.wait(lambda: len(channel.asked()) == 1)
        second = pool.submit(channel.get, 0)
        channel.server.wait(channel.spools)
        time.sleep(0.5)  # both may send what is here
        channel.server.kill("content-3")
        assert second.result().content == channel.body
        assert channel.body.startswith(first.result())
        go_on.set()
    assert channel.asked() == ["", f"bytes={MIB}-"]
    channel.server.wait(channel.is_stored)


def test_a_process_that_stops_loses_its_lease(channel: Channel) -> None:
    go_on = threading.Event()
    channel.has(LARGE, faults.held(MIB, go_on), None)
    channel.origins = [*channel.origins, channel.server.start_content("content-5")]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(channel.get, 2)
        channel.server.wait(lambda: len(channel.asked()) == 1)
        channel.server.wait(channel.spools)
        pid = channel.server.processes["content-5"].pid
        assert pid is not None
        os.killpg(pid, signal.SIGSTOP)
        assert channel.get(0).content == channel.body
        channel.server.wait(channel.is_stored)
        os.killpg(pid, signal.SIGCONT)
        go_on.set()
        assert first.result().content == channel.body, "it goes on for its own client"
    channel.server.wait(lambda: not channel.spools())
    channel.server.kill("content-5")


def test_a_host_that_cannot_see_the_spool_fetches_for_itself(
    channel: Channel, tmp_path: Path
) -> None:
    go_on = threading.Event()
    channel.has(LARGE, faults.held(MIB, go_on), None)
    elsewhere = channel.server.start_content("content-6", PULP_WORKING_DIRECTORY=str(tmp_path))
    channel.origins = [*channel.origins, elsewhere]
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(channel.get, 0)
        channel.server.wait(lambda: len(channel.asked()) == 1)
        assert channel.get(2).content == channel.body
        assert channel.asked() == ["", ""]
        assert not channel.is_stored()
        go_on.set()
        assert first.result().content == channel.body
    channel.server.wait(channel.is_stored)
    assert list((tmp_path / "conda-fetch").iterdir()) == []
    channel.server.kill("content-6")


def test_without_room_nothing_is_fetched(channel: Channel) -> None:
    channel.has(LARGE)
    full = channel.server.start_content("content-7", PULP_CONDA_DISK_RESERVE_BYTES=str(2**60))
    channel.origins = [*channel.origins, full]
    answer = channel.get(2)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert channel.asked() == channel.spools() == []
    channel.server.kill("content-7")
    assert channel.get(0).content == channel.body


def test_a_client_after_the_death_gets_the_whole_file(channel: Channel) -> None:
    channel.has(LARGE)
    channel.origins = [*channel.origins, channel.server.start_content("content-4")]
    channel.server.order("file fetched", "die")
    assert channel.partial(2) != channel.body
    channel.server.kill("content-4")
    answer = channel.get()
    assert answer.content == channel.body
    channel.server.wait(channel.is_stored)


@pytest.mark.parametrize("policy", ["on_demand", "streamed"])
def test_clients_that_leave_at_once_hold_nobody_up(channel: Channel, policy: str) -> None:
    go_on = threading.Event()
    channel.has(LARGE, faults.held(MIB, go_on), None, policy=policy)
    if policy == "on_demand":
        channel.upstream.faults[channel.path] = [faults.dripping(2)]
    for wait in (0.001, 0.01, 0.05):
        with suppress(requests.RequestException):
            requests.get(channel.url(), timeout=(60, wait))
    time.sleep(3)  # the process looks every second for clients that have left
    began = len(channel.asked())
    assert channel.get(1).content == channel.body
    assert len(channel.asked()) <= began + 1
    go_on.set()


def test_a_fetch_near_its_end_goes_on_without_clients(channel: Channel) -> None:
    go_on = threading.Event()
    channel.has(LARGE, faults.held(MIB, go_on))
    with requests.get(channel.url(), stream=True, timeout=60) as answer:
        next(answer.iter_content(1000))
    time.sleep(1.5)
    go_on.set()
    channel.server.wait(channel.is_stored)
    assert channel.asked() == [""]
