"""SQL that PostgreSQL parses and plans once for each database session.

The statements of look-ups are written out, because Django takes longer to compose one than
PostgreSQL takes to answer it. Parsing and planning one takes longer than executing it, too.
"""

import re
from hashlib import sha256
from typing import Any
from weakref import WeakSet

from django.db import connection

_PARAMETER = re.compile(r"%\((\w+)\)s")


class Prepared:
    """A statement with parameters of the form `%(name)s`.

    A session prepares it at its second use, because preparing takes a round trip and many sessions
    execute a statement only once. A prepared statement belongs to its session as advisory locks do,
    so that a pooler which shares sessions between transactions can be used for neither.
    """

    def __init__(self, sql: str) -> None:
        names = list(dict.fromkeys(_PARAMETER.findall(sql)))
        numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql)
        name = f"conda_{sha256(sql.encode()).hexdigest()[:16]}"
        self._sql = sql
        self._prepare = f"PREPARE {name} AS {numbered}"
        self._execute = f"EXECUTE {name} ({', '.join(f'%({each})s' for each in names)})"
        self._used: WeakSet[Any] = WeakSet()
        self._prepared: WeakSet[Any] = WeakSet()

    def first(self, **values: Any) -> Any:
        """Execute it with the values of its parameters; return the first row, None if none."""
        with connection.cursor() as cursor:
            cursor.execute(self._in(cursor, connection.connection), values)
            return cursor.fetchone()

    def _in(self, cursor: Any, session: Any) -> str:
        """Return the statement to execute in a session of the database."""
        if session in self._prepared:
            return self._execute
        if session not in self._used:
            self._used.add(session)
            return self._sql
        cursor.execute(self._prepare)
        self._prepared.add(session)
        return self._execute
