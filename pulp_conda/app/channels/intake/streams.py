"""What uploads are read from; knows neither Django nor Pulp."""

from typing import Protocol


class Readable(Protocol):
    """What a request's body offers."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


class IncompleteBody(Exception):
    """The client sent fewer or more bytes than it had declared."""

    def __init__(self, received: int, declared: int | None) -> None:
        of = "its end" if declared is None else f"the {declared} bytes declared"
        super().__init__(f"the body stopped after {received} bytes, before {of}")
