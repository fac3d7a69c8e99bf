"""One fetch of a file for all processes: who gets its lease."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.utils.timezone import now

from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.channels.transfer.wanted import Origin, WantedFile
from pulp_conda.app.content.fetch import leases
from pulp_conda.app.content.fetch.leases import Held, Lease
from pulp_conda.app.models import BUSY, UNAVAILABLE, WRONG, CondaRemote, UpstreamFile


@pytest.fixture
def origin() -> Origin:
    """An upstream."""
    remote = CondaRemote.objects.create(name="upstream", url="https://upstream.example.org")
    return Origin(remote.pk, "https://upstream.example.org/noarch/far-1.0-0.conda", True)


@pytest.fixture
def wanted(origin: Origin) -> WantedFile:
    """A file."""
    return WantedFile(uuid4(), "noarch/far-1.0-0.conda", 1234, "a" * 64, (origin,))


def taken(wanted: WantedFile, origin: Origin, spool: str = "spool") -> Lease:
    """Take the lease, which has to be free."""
    lease = leases.take(wanted, origin, spool)
    assert isinstance(lease, Lease)
    return lease


def expire() -> None:
    """Let the time of all leases pass."""
    UpstreamFile.objects.update(lease_until=now() - timedelta(hours=2))


def test_a_lease_has_one_holder(wanted: WantedFile, origin: Origin) -> None:
    first = taken(wanted, origin, "first")
    assert leases.take(wanted, origin, "second") == Held(first.holder, "first")


@pytest.mark.usefixtures("real_commits")
def test_of_many_at_once_one_gets_the_lease(wanted: WantedFile, origin: Origin) -> None:
    def take(number: int) -> Lease | Held:
        try:
            return leases.take(wanted, origin, f"spool{number}")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(take, range(24)))
    (lease,) = [claim for claim in claims if isinstance(claim, Lease)]
    others = [claim for claim in claims if isinstance(claim, Held)]
    assert set(others) == {Held(lease.holder, lease.spool)}
    assert len(others) == 23


@pytest.mark.usefixtures("real_commits")
def test_of_many_that_saw_the_holder_die_one_gets_the_lease(
    wanted: WantedFile, origin: Origin
) -> None:
    dead = taken(wanted, origin, "left")
    leases.renew(dead, "etag")

    def take(number: int) -> Lease | Held:
        try:
            return leases.take(wanted, origin, f"spool{number}", dead=dead.holder)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(take, range(24)))
    (lease,) = [claim for claim in claims if isinstance(claim, Lease)]
    assert (lease.spool, lease.validator) == ("left", "etag")
    assert {claim for claim in claims if claim != lease} == {Held(lease.holder, "left")}


def test_files_of_one_path_with_other_digests_are_others(
    wanted: WantedFile, origin: Origin
) -> None:
    taken(wanted, origin)
    other = WantedFile(uuid4(), wanted.path, 99, "b" * 64, (origin,))
    assert isinstance(leases.take(other, origin, "other"), Lease)


def test_a_lease_that_is_renewed_is_kept(wanted: WantedFile, origin: Origin) -> None:
    lease = taken(wanted, origin)
    expire()
    assert leases.renew(lease, "")
    assert isinstance(leases.take(wanted, origin, "other"), Held)


def test_a_holder_that_was_too_slow_changes_nothing(wanted: WantedFile, origin: Origin) -> None:
    slow = taken(wanted, origin, "slow")
    expire()
    quick = taken(wanted, origin, "quick")
    assert quick.spool == "slow", "it goes on with what is there"
    assert not leases.renew(slow, "")
    leases.fail(slow, FetchFailed(WRONG, "it was wrong"))
    leases.release(slow)
    leases.end(slow)
    assert leases.take(wanted, origin, "third") == Held(quick.holder, "slow")


def test_a_released_lease_leaves_what_is_here(wanted: WantedFile, origin: Origin) -> None:
    lease = taken(wanted, origin, "begun")
    leases.renew(lease, '"etag"')
    leases.note(lease, "moved")
    leases.release(lease)
    again = taken(wanted, origin, "new")
    assert (again.spool, again.validator) == ("moved", '"etag"')


def test_nobody_asks_again_before_the_time_of_a_failure_is_over(
    wanted: WantedFile, origin: Origin
) -> None:
    failure = FetchFailed(UNAVAILABLE, "it is busy", timedelta(minutes=2))
    leases.fail(taken(wanted, origin), failure)
    with pytest.raises(FetchFailed) as told:
        leases.take(wanted, origin, "spool")
    assert told.value.status == UNAVAILABLE
    assert timedelta(seconds=100) < told.value.retry_after <= timedelta(minutes=2)
    UpstreamFile.objects.update(retry_at=now() - timedelta(hours=1))
    assert taken(wanted, origin, "new").spool == "new"


def test_an_upstream_that_is_busy_is_asked_for_no_file(wanted: WantedFile, origin: Origin) -> None:
    other = WantedFile(uuid4(), "noarch/other-1.0-0.conda", 1, "b" * 64, (origin,))
    begun = taken(other, origin)
    pause = FetchFailed(BUSY, "it is busy", timedelta(minutes=2))
    leases.fail(taken(wanted, origin), pause)
    assert leases.take(other, origin, "spool") == Held(begun.holder, "spool")
    leases.release(begun)
    third = WantedFile(uuid4(), "noarch/third-1.0-0.conda", 1, "c" * 64, (origin,))
    for file in (wanted, other, third):
        with pytest.raises(FetchFailed) as told:
            leases.take(file, origin, "spool")
        assert told.value.status == BUSY
    UpstreamFile.objects.exclude(retry_at=None).update(retry_at=now() - timedelta(hours=1))
    for file in (wanted, other, third):
        assert isinstance(leases.take(file, origin, "spool"), Lease)


def test_a_lease_that_was_taken_in_vain_is_given_up(wanted: WantedFile, origin: Origin) -> None:
    holder = uuid4()
    leases.abandon(wanted, origin, holder)
    leases.take(wanted, origin, "spool", holder=holder)
    leases.abandon(wanted, origin, uuid4())
    assert isinstance(leases.take(wanted, origin, "other"), Held)
    leases.abandon(wanted, origin, holder)
    assert isinstance(leases.take(wanted, origin, "other"), Lease)


def test_a_file_that_is_here_leaves_no_row(wanted: WantedFile, origin: Origin) -> None:
    leases.end(taken(wanted, origin))
    assert not UpstreamFile.objects.exists()


def test_old_rows_are_forgotten(wanted: WantedFile, origin: Origin) -> None:
    leases.fail(taken(wanted, origin), FetchFailed(WRONG, "it was wrong", timedelta(hours=3)))
    other = WantedFile(uuid4(), "noarch/other-1.0-0.conda", 1, "b" * 64, (origin,))
    taken(other, origin)
    leases.forget()
    assert UpstreamFile.objects.count() == 2
    expire()
    leases.forget()
    assert UpstreamFile.objects.get().path == wanted.path, "it may still not be asked for"
    CondaRemote.objects.all().delete()
    assert not UpstreamFile.objects.exists()
