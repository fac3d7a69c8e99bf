"""Streams that uploads are read from. This module imports neither Django nor Pulp."""

from typing import Protocol


class BodyStream(Protocol):
    """The body of a request."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; empty bytes at the end."""


class IncompleteBody(Exception):
    """The client sent fewer or more bytes than it had declared."""

    def __init__(self, received: int, declared: int | None) -> None:
        of = "its end" if declared is None else f"the {declared} bytes declared"
        super().__init__(f"the body stopped after {received} bytes, before {of}")
