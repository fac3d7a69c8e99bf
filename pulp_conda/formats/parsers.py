"""py-rattler's parsers, made safe for text that strangers wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Text = TypeVar("_Text")
_Parsed = TypeVar("_Parsed")


def attempt(
    parse: Callable[[_Text], _Parsed], text: _Text
) -> tuple[_Parsed, None] | tuple[None, str]:
    """Return what ``parse`` makes of ``text``, or why it rejects it.

    A panic of the parser, as at ``a[build_number=99999999999999999999]``, is a rejection as well:
    it is no Exception in Python and would end the thread, as it ends every client.
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
    """Return why ``parse`` rejects ``text``, None when it takes it."""
    return attempt(parse, text)[1]
