"""py-rattler's parsers, made safe for text that strangers wrote."""

from __future__ import annotations

from collections.abc import Callable


def parse_fault(parse: Callable[[str], object], text: str) -> str | None:
    """Return why ``parse`` rejects ``text``, None when it takes it.

    A panic of the parser, as at ``a[build_number=99999999999999999999]``, is a rejection as well:
    it is no Exception in Python and would end the thread, as it ends every client.
    """
    try:
        parse(text)
    except BaseException as error:
        if isinstance(error, Exception):
            return str(error)
        if type(error).__name__ != "PanicException":
            raise
        return "its parser fails on it"
    return None
