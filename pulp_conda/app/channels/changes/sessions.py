"""Advisory locks of database sessions, which show whether a process is alive.

PostgreSQL releases them when the session ends, for whatever reason it ends.
"""

import zlib
from uuid import UUID

COMMIT_LOCK = 0x636F6E64
"""The first key of the advisory locks that serialise the commits of a channel."""

COMMITTING = 0x636F6E63
"""The first key of the advisory locks that last as long as a commit of a channel.

The holder of the commit lock has it, and all requests that wait ask for a share of it.
"""

PRESENCE = 0x636F6E65
"""The first key of the advisory locks by which worker processes show that they are alive."""

QUEUE_PLACE = 0x636F6E66
"""The first key of the advisory lock for the first place in a channel's queue.

The keys of the other places follow it.
"""

END_WITH_CLIENT = """
    set_config('client_connection_check_interval', '1s', false),
    set_config('tcp_keepalives_idle', '10', false),
    set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false)
"""
"""Expressions for a SELECT list that make a session end shortly after its client has died.

Without these settings, a session that executes a statement notices the death of its client only at
the end of the statement. If the client's machine is gone, it notices after two hours.
"""


def second_key(pk: UUID) -> int:
    """Return the second key of a row's advisory locks: a signed integer of 32 bits.

    Rows whose keys collide share the lock.
    """
    return zlib.crc32(pk.bytes) - 2**31
