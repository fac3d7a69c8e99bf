"""Parse the JSON documents of a package: within limits, and strictly where clients must agree.

RFC 8259 does not define the meaning of duplicate keys, huge numbers and lone surrogates, and
parsers differ, PostgreSQL's among them. Such documents are refused, so that all clients see the
same package. The parser is that of the standard library, because only it reports duplicate keys.
``msgspec`` is ten times faster, and is used for ``paths.json``, which is not stored.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from pulp_conda.formats.errors import InvalidJson, TrustedText

_MIN_INTEGER: Final = -(2**63)
_MAX_INTEGER: Final = 2**64 - 1
# 19 digits and a sign. Longer numbers are refused before they are converted.
_MAX_INTEGER_CHARACTERS: Final = 20
_TOO_LARGE: Final = "it has a number beyond 64 bits"


class _RuleBroken(ValueError):
    """Raised by the parser's callbacks with the rule that is broken."""


def parse_object(data: bytes, *, member: str, max_depth: int) -> dict[str, Any]:
    """Return the JSON object in ``data``, the content of ``member``. Raises InvalidJson."""
    value = parse_json(data, member=member, max_depth=max_depth)
    if not isinstance(value, dict):
        raise InvalidJson(member, TrustedText("it must be an object"))
    return value


def parse_json(data: bytes, *, member: str, max_depth: int) -> Any:
    """Return the JSON value in ``data``, the content of ``member``.

    JSON has one type of number, so `1.0` is the integer 1, as for clients in Python.

    Raises InvalidJson if it is not UTF-8 JSON, or if it has duplicate keys, NaN, infinity, lone
    surrogates, NUL characters, numbers beyond 64 bits, or nesting deeper than ``max_depth``.
    """
    try:
        text = data.decode("utf-8")
        if text.startswith("\ufeff"):
            raise _RuleBroken("it starts with a byte order mark")
        value = _DECODER.decode(text)
        _check_tree(value, max_depth)
    except UnicodeDecodeError as error:
        raise InvalidJson(member, TrustedText("it is not UTF-8")) from error
    except _RuleBroken as error:
        raise InvalidJson(member, TrustedText(error)) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidJson(member, TrustedText(f"{error.msg} at {where}")) from error
    except RecursionError as error:
        raise InvalidJson(member, TrustedText("it is nested too deeply")) from error
    return value


def salvage_object(data: bytes) -> dict[str, Any]:
    """Return the readable part of a JSON object, empty if nothing can be read.

    This is for descriptive documents, which do not affect an installation. The last of duplicate
    keys counts, as for most parsers. Text that is not UTF-8 is read as Latin-1. Numbers become
    None. Strings may contain characters that no database can store.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    try:
        value = _LENIENT_DECODER.decode(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RuleBroken("it has a key twice in one object")
    return found


def _bounded_integer(digits: str) -> int:
    if len(digits) > _MAX_INTEGER_CHARACTERS:
        raise _RuleBroken(_TOO_LARGE)
    return _bounded(int(digits))


def _bounded_number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _RuleBroken(_TOO_LARGE)
    return _bounded(int(value)) if value.is_integer() else value


def _bounded(value: int) -> int:
    if not _MIN_INTEGER <= value <= _MAX_INTEGER:
        raise _RuleBroken(_TOO_LARGE)
    return value


def _no_constant(word: str) -> NoReturn:
    raise _RuleBroken(f"it has {word}, which is not a JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_keys,
    parse_int=_bounded_integer,
    parse_float=_bounded_number,
    parse_constant=_no_constant,
)


def _no_number(_digits: str) -> None:
    return None


# Numbers are skipped, because converting many digits takes long, and no field here is a number.
_LENIENT_DECODER = json.JSONDecoder(
    parse_int=_no_number, parse_float=_no_number, parse_constant=_no_number, strict=False
)


def _check_tree(value: Any, max_depth: int) -> None:
    level = [value]
    depth = 0
    while level:
        depth += 1
        if depth > max_depth:
            raise _RuleBroken("it is nested too deeply")
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _RuleBroken("it has a NUL character in a string")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise _RuleBroken("it has a lone surrogate in a string") from error
