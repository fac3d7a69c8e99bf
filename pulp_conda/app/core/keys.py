"""Keys for rows that are inserted by SQL."""

from typing import Final

# PostgreSQL has `uuidv7()` from version 18 on.
NEW_KEY: Final = """
    encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid"""
"""An SQL expression for a new UUID of version 7, as pulpcore makes them.

Keys in the order of time are appended to an index. Random ones would scatter over it.
"""
