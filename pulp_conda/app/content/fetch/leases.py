"""One fetch of a file for all processes: a row that belongs to the process which fetches.

A lease is renewed while its holder lives, and runs out soon after its death. All times are those of
the database. These functions run in the thread of the database's connection.
"""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import connection

from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.channels.transfer.wanted import Origin, WantedFile
from pulp_conda.app.models import UNAVAILABLE

LEASE_SECONDS = 15
RENEWAL_SECONDS = 5
_TRIES = 5

_Values = dict[str, UUID | str | float | None]

_UNTIL = "clock_timestamp() + make_interval(secs => %(seconds)s)"
_OWN = "WHERE id = %(pk)s AND holder = %(holder)s"
_PAUSE = "status = 'busy' AND retry_at > clock_timestamp()"
_TAKE = f"""
    INSERT INTO conda_upstreamfile AS f
           (remote_id, path, digest, holder, lease_until, spool, validator, status)
    SELECT %(remote)s, %(path)s, %(digest)s, %(holder)s, {_UNTIL}, %(spool)s, '', 'fetching'
     WHERE NOT EXISTS (
        SELECT FROM conda_upstreamfile WHERE remote_id = %(remote)s AND {_PAUSE}
     )
    ON CONFLICT (remote_id, path, digest) DO UPDATE
       SET holder = excluded.holder, lease_until = excluded.lease_until, status = 'fetching',
           retry_at = NULL
     WHERE (f.lease_until <= clock_timestamp() OR f.holder = %(dead)s)
       AND coalesce(f.retry_at <= clock_timestamp(), true)
    RETURNING id, spool, validator
"""  # noqa: S608 (of constants)
# A fetch that has begun may be followed, also if the upstream asks for a pause.
_LOOK = f"""
    SELECT holder, spool, status, retry_at - clock_timestamp() FROM conda_upstreamfile
     WHERE remote_id = %(remote)s AND (path = %(path)s AND digest = %(digest)s OR {_PAUSE})
     ORDER BY path = %(path)s AND digest = %(digest)s AND lease_until > clock_timestamp() DESC,
              retry_at DESC NULLS LAST
     LIMIT 1
"""  # noqa: S608
_RENEW = f"""
    UPDATE conda_upstreamfile SET lease_until = {_UNTIL}, validator = %(validator)s {_OWN}
"""  # noqa: S608
_NOTE = f"UPDATE conda_upstreamfile SET spool = %(spool)s {_OWN}"  # noqa: S608
_RELEASE = f"UPDATE conda_upstreamfile SET lease_until = clock_timestamp() {_OWN}"  # noqa: S608
_ABANDON = """
    UPDATE conda_upstreamfile SET lease_until = clock_timestamp()
     WHERE remote_id = %(remote)s AND path = %(path)s AND digest = %(digest)s
       AND holder = %(holder)s
"""
_FAIL = f"""
    UPDATE conda_upstreamfile
       SET lease_until = clock_timestamp(), spool = '', validator = '', status = %(status)s,
           retry_at = {_UNTIL}
    {_OWN}
"""  # noqa: S608
_END = f"DELETE FROM conda_upstreamfile {_OWN}"  # noqa: S608
# For as long as `leftovers` keeps the beginning of a file.
_FORGET = """
    DELETE FROM conda_upstreamfile
     WHERE lease_until < clock_timestamp() - interval '1 hour'
       AND coalesce(retry_at < clock_timestamp(), true)
"""


class Lease(NamedTuple):
    """The right to fetch a file."""

    pk: int
    holder: UUID
    spool: str
    """The name of the spool that an earlier holder left, or else of the new one."""
    validator: str


class Held(NamedTuple):
    """Another fetch of the file, in this process or another one."""

    holder: UUID
    spool: str


def take(
    wanted: WantedFile,
    origin: Origin,
    spool: str,
    *,
    dead: UUID | None = None,
    holder: UUID | None = None,
) -> Lease | Held:
    """Take the lease of a file if nobody has it, or if its holder is `dead`.

    `spool` is the name of the file to spool into, if no earlier holder left one. `holder` names the
    fetch that takes it.

    Raises:
        FetchFailed: a fetch failed, and the file may not be asked for again yet, or no file of the
            remote may be.
    """
    key: _Values = {"remote": origin.remote, "path": wanted.path, "digest": wanted.digest}
    holder = holder or uuid4()
    own: _Values = {"holder": holder, "spool": spool, "seconds": LEASE_SECONDS}
    mine = {**key, **own, "dead": dead}
    for _ in range(_TRIES):
        if row := _row(_TAKE, mine):
            pk, left, validator = row
            return Lease(pk, holder, left or spool, validator)
        if row := _row(_LOOK, key):
            other, name, status, pause = row
            if pause and pause > timedelta(0):
                raise FetchFailed(status, "an earlier fetch failed", pause)
            return Held(other, name)
    raise FetchFailed(UNAVAILABLE, "its lease changes hands all the time")


def renew(lease: Lease, validator: str) -> bool:
    """Extend a lease, and save the upstream's validator, with which another fetch may go on.

    Returns False if another fetch has taken the lease, since this one was too slow.
    """
    return _changed(_RENEW, lease, seconds=LEASE_SECONDS, validator=validator)


def note(lease: Lease, spool: str) -> None:
    """Save the name of the spool, which others can follow."""
    _changed(_NOTE, lease, spool=spool)


def release(lease: Lease) -> None:
    """Give a lease up, and leave what is here to the next holder."""
    _changed(_RELEASE, lease)


def abandon(wanted: WantedFile, origin: Origin, holder: UUID) -> None:
    """Give up a lease that was taken perhaps, by a fetch that was stopped meanwhile."""
    key: _Values = {"remote": origin.remote, "path": wanted.path, "digest": wanted.digest}
    with connection.cursor() as cursor:
        cursor.execute(_ABANDON, {**key, "holder": holder})


def end(lease: Lease) -> None:
    """Delete the row of a file that is here."""
    _changed(_END, lease)


def fail(lease: Lease, failure: FetchFailed) -> None:
    """Save a failure, so that nobody asks for the file again before its time."""
    seconds = failure.retry_after.total_seconds()
    _changed(_FAIL, lease, status=failure.status, seconds=seconds)


def forget() -> None:
    """Delete the rows of fetches that nobody goes on with."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)


def _changed(statement: str, lease: Lease, **values: str | float) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"pk": lease.pk, "holder": lease.holder, **values})
        return cursor.rowcount > 0


def _row(statement: str, values: _Values) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
