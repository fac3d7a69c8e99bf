"""How long an upstream is left alone, and when a request is repeated."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pulp_conda.app.upstream import (
    Absent,
    Busy,
    LeftAlone,
    Unavailable,
    Upstream,
)
from pulp_conda.app.upstream.breaker import Breaker
from tests.database.misbehaving import answering, cut, failing, in_turn, misbehaving, run

pytestmark = pytest.mark.usefixtures("loopback_allowed")

_LIMIT = 1 << 20


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("120", 119, 120), ("99999999999999999999", 86399, 86400), ("0", 0, 0), ("-5", 0, 2),
        ("soon", 0, 2), ("", 0, 2), ("1e9", 0, 2), ("٣", 0, 2),
    ],
)  # fmt: skip
def test_a_pause_that_the_upstream_asks_for_is_kept(value: str, least: float, most: float) -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=429, Retry_After=value)
            error = await failing(server)
            assert isinstance(error, Busy)
            assert error.retry_after is not None
            assert least <= error.retry_after <= most

    run(scenario())


def test_a_pause_may_be_a_date() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            date = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
            server.paths["/ch/x"] = answering(status=503, Retry_After=date)
            error = await failing(server)
            assert isinstance(error, Busy)
            assert error.retry_after is not None
            assert 200 < error.retry_after <= 300

    run(scenario())


def test_a_busy_upstream_is_asked_nothing_by_that_remote_meanwhile() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=429, Retry_After="60")
            remote = server.remote()
            async with Upstream(remote) as upstream:
                for kind in (Busy, LeftAlone, LeftAlone):
                    with pytest.raises(kind):
                        await upstream.get(server.url("/ch/x"), limit=_LIMIT)
            async with Upstream(remote) as again:
                with pytest.raises(LeftAlone) as caught:
                    await again.get(server.url("/ch/x"), limit=_LIMIT)
            assert len(server.asked) == 1
            assert 50 < (caught.value.retry_after or 0) <= 60
            async with Upstream(server.remote()) as other:
                with pytest.raises(Busy):
                    await other.get(server.url("/ch/x"), limit=_LIMIT)

    run(scenario())


def test_a_patient_request_repeats_itself() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = in_turn(
                answering(status=503, Retry_After="0"), cut(b"abc", 9), answering(b"whole")
            )
            async with Upstream(server.remote(), patience=30) as upstream:
                answer = await upstream.get(server.url("/ch/x"), limit=_LIMIT)
            assert answer.body == b"whole"
            assert len(server.asked) == 3

    run(scenario())


def test_a_request_is_not_repeated_beyond_its_patience_or_the_remotes_retries() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=503, Retry_After="100")
            server.paths["/ch/y"] = answering(status=503, Retry_After="0")
            async with Upstream(server.remote(), patience=30) as upstream:
                with pytest.raises(Busy):
                    await upstream.get(server.url("/ch/x"), limit=_LIMIT)
            assert len(server.asked) == 1
            async with Upstream(server.remote(max_retries=2), patience=30) as upstream:
                with pytest.raises(Busy):
                    await upstream.get(server.url("/ch/y"), limit=_LIMIT)
            assert len(server.asked) == 1 + 3

    run(scenario())


def test_a_host_that_fails_again_and_again_is_left_alone() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=500)
            async with Upstream(server.remote()) as upstream:
                for _ in range(5):
                    with pytest.raises(Unavailable):
                        await upstream.get(server.url("/ch/x"), limit=_LIMIT)
                with pytest.raises(LeftAlone):
                    await upstream.get(server.url("/ch/x"), limit=_LIMIT)
            assert len(server.asked) == 5

    run(scenario())


def test_a_host_that_answers_in_between_is_not_left_alone() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=500)
            async with Upstream(server.remote()) as upstream:
                for _ in range(7):
                    for path, kind in (("/ch/x", Unavailable), ("/ch/absent", Absent)):
                        with pytest.raises(kind):
                            await upstream.get(server.url(path), limit=_LIMIT)
            assert len(server.asked) == 14

    run(scenario())


def test_after_a_while_one_request_is_a_trial() -> None:
    time = 0.0
    breaker = Breaker("host", lambda: time)
    for _ in range(5):
        breaker.failed(breaker.enter())
        time += 0.1
    with pytest.raises(LeftAlone):
        breaker.enter()
    time += 61
    began = breaker.enter()
    with pytest.raises(LeftAlone):
        breaker.enter()
    breaker.failed(began)
    time += 61
    with pytest.raises(LeftAlone):
        breaker.enter()
    time += 61
    breaker.enter()
    breaker.succeeded()
    breaker.enter()
    breaker.enter()


def test_a_trial_without_an_outcome_does_not_close_the_host_for_ever() -> None:
    time = 0.0
    breaker = Breaker("host", lambda: time)
    for _ in range(5):
        breaker.failed(breaker.enter())
        time += 0.1
    time += 61
    breaker.enter()
    time += 11
    assert breaker.enter() == time


def test_requests_that_fail_together_count_once() -> None:
    breaker = Breaker("host", lambda: 1.0)
    began = [breaker.enter() for _ in range(10)]
    moments = iter(range(2, 100))
    breaker = Breaker("host", lambda: float(next(moments)))
    for each in began:
        breaker.failed(each)
    assert breaker.enter() > 1
