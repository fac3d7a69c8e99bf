"""Notes the SQL statements of an action."""

from typing import Any


class Sent(list[str]):
    """The statements that were sent to the database while this was its wrapper."""

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        """Note a statement and execute it."""
        self.append(sql)
        return execute(sql, *rest)
