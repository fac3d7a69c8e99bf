"""What clients get of files on demand when their upstream misbehaves."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.functional import faulty_upstream as faults
from tests.functional.faulty_upstream import FaultyUpstream
from tests.functional.mirrored import File
from tests.functional.on_demand import HELD_BACK, LARGE, MIB, SMALL, Channel, Running


def test_a_fetch_that_breaks_off_goes_on(channel: Channel) -> None:
    channel.has(LARGE, faults.cut(MIB), None)
    assert channel.get().content == channel.body
    first, second = channel.asked()
    assert (first, second) == ("", f"bytes={MIB}-")


def test_a_fetch_that_always_breaks_off_is_aborted(channel: Channel) -> None:
    channel.has(LARGE, faults.cut_without_ranges(MIB))
    assert channel.body[:MIB].startswith(channel.partial())
    assert 1 < len(channel.asked()) < 6
    again = channel.get(1)
    assert (again.status_code, "Retry-After" in again.headers) == (503, True)
    assert not channel.is_stored()


def _spoiled(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_wrong_last_byte_never_goes_out(channel: Channel, size: int) -> None:
    channel.has(size, faults.other(_spoiled))
    if size == SMALL:
        assert channel.get().status_code == 502
    else:
        assert channel.body[:-HELD_BACK].startswith(channel.partial())
    for process in (0, 1):
        blocked = channel.get(process)
        assert blocked.status_code == 502
        assert 500 < int(blocked.headers["Retry-After"]) <= 600
    assert len(channel.asked()) == 1
    assert not channel.is_stored()
    assert channel.spools() == []


@pytest.mark.parametrize(
    "fault",
    [
        faults.other(lambda body: body[::-1][:-1]),
        faults.other(lambda body: body + b"more"),
        faults.other(lambda body: body[:-9]),
        faults.other(lambda body: b"<html>please log in</html>"),
    ],
    ids=["other", "longer", "shorter", "page"],
)
def test_a_file_of_another_size_is_no_answer(channel: Channel, fault: faults.Fault) -> None:
    channel.has(LARGE, fault)
    assert channel.get().status_code == 502
    assert not channel.is_stored()


def test_a_longer_file_that_does_not_say_so_is_cut_off(channel: Channel) -> None:
    channel.has(LARGE, faults.other(lambda body: body + b"more", chunked=True))
    assert len(channel.partial()) <= LARGE - HELD_BACK
    assert channel.get().status_code == 502


def test_the_next_upstream_is_asked(channel: Channel) -> None:
    channel.has(SMALL, faults.other(_spoiled))
    channel.upstream.files[f"good{channel.path}"] = channel.body
    urls = [f"{channel.upstream.origin}/{name}" for name in (channel.name, f"good{channel.name}")]
    channel.mirror(urls, [File.of("demo-1.0-0.conda", channel.body)])
    assert channel.get().content == channel.body
    assert channel.asked() == [""]


@pytest.mark.parametrize(
    ("fault", "status", "seconds"),
    [
        (faults.refused(429, Retry_After="120"), 503, 120),
        (faults.refused(503, Retry_After="30"), 503, 30),
        (faults.refused(500), 503, None),
        (faults.refused(403), 503, None),
        (faults.refused(401), 503, None),
        (faults.refused(404), 404, None),
    ],
)
def test_a_refusal_is_told(
    channel: Channel, fault: faults.Fault, status: int, seconds: int | None
) -> None:
    channel.has(LARGE, fault)
    for process in (0, 1, 0, 1):
        answer = channel.get(process)
        assert answer.status_code == status
        assert "secret" not in answer.text
        if status == 503:
            told = int(answer.headers["Retry-After"])
            assert told >= 1 if seconds is None else seconds - 20 < told <= seconds
    assert len(channel.asked()) == 1


def test_a_busy_upstream_is_left_alone_by_all_processes(channel: Channel) -> None:
    channel.has(LARGE, faults.refused(429, Retry_After="120"))
    name = f"{channel.name}/noarch/other-1.0-0.conda"
    channel.upstream.files[name] = channel.body[::-1]
    other = File.of("other-1.0-0.conda", channel.body[::-1])
    channel.mirror([f"{channel.upstream.origin}/{channel.name}"], [other])
    assert channel.get(0).status_code == 503
    for process in (0, 1):
        url = channel.url(process).replace("demo", "other")
        answer = requests.get(url, timeout=60)
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 100) == (503, True)
    assert channel.upstream.requests_for(name) == []


def test_a_slow_upstream_holds_nobody_else_up(
    channel: Channel, demand: Running, faulty: FaultyUpstream
) -> None:
    channel.has(SMALL, faults.dripping(4))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(channel.get)
        assert Channel(demand, faulty).has(SMALL).get().ok
        assert slow.result().content == channel.body
