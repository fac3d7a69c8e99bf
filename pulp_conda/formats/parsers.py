"""Safe use of py-rattler's parsers for untrusted text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Text = TypeVar("_Text")
_Parsed = TypeVar("_Parsed")


def attempt(
    parse: Callable[[_Text], _Parsed], text: _Text
) -> tuple[_Parsed, None] | tuple[None, str]:
    """Return the result of ``parse``, or the reason for which it rejects ``text``.

    A panic of the parser, for instance at ``a[build_number=99999999999999999999]``, is a rejection
    too. In Python a panic is not an Exception, and would end the thread.
    """
    try:
        return parse(text), None
    except BaseException as error:
        if isinstance(error, Exception):
            return None, str(error)
        if type(error).__name__ != "PanicException":
            raise
        return None, "its parser fails on it"


def parse_fault(parse: Callable[[str], object], text: str) -> str | None:
    """Return the reason for which ``parse`` rejects ``text``, None if it accepts it."""
    return attempt(parse, text)[1]
