"""Locks that a session of the database holds, so that they tell which process still works.

PostgreSQL gives them back when the session ends, whatever ended it.
"""

import zlib
from uuid import UUID

TURNS = 0x636F6E64
"""The first key of advisory locks for turns at a channel."""

PRESENCE = 0x636F6E65
"""The first key of advisory locks by which worker processes show that they live."""

PLACES = 0x636F6E66
"""The first key of advisory locks for the first place in a channel's queue; others follow it."""

END_WITH_CLIENT = """
    set_config('client_connection_check_interval', '1s', false),
    set_config('tcp_keepalives_idle', '10', false),
    set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false)
"""
"""Selected in a session: it ends a moment after its client.

Otherwise one that computes would notice at the end of its statement, and one whose client's
machine is gone after two hours.
"""


def second_key(pk: UUID) -> int:
    """Return the other key of a row's advisory locks: four bytes, with a sign.

    Rows that share one share the lock.
    """
    return zlib.crc32(pk.bytes) - 2**31
