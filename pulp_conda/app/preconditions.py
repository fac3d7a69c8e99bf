"""Conditional and range requests (RFC 9110, sections 13 and 14)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_TAG = re.compile(r'(W/)?"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Validators:
    """Identifies one state of a file."""

    etag: str
    """In quotes. Strong, because it is made from the bytes."""
    last_modified: str | None
    """In the format of the header."""
    in_order: bool = False
    """Whether a file that replaces this one always has a later date. A client with a date at or
    after ours then has the same bytes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How to answer: the status, and the bytes to send."""

    status: HTTPStatus
    start: int = 0
    count: int = 0


def http_date(moment: datetime) -> str:
    """Return a time in the format of HTTP headers."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def precondition(headers: Mapping[str, str], validators: Validators) -> HTTPStatus | None:
    """Return 304 or 412 if the request's conditions decide on that, in the order of RFC 9110.

    Unless `validators.in_order`, dates are compared for equality only: a channel that was rolled
    back serves an older document than its client has.
    """
    if not _is_as_wanted(headers, validators):
        return HTTPStatus.PRECONDITION_FAILED
    if (known := headers.get("If-None-Match")) is not None:
        return HTTPStatus.NOT_MODIFIED if _matches(known, validators.etag, weak=True) else None
    since = headers.get("If-Modified-Since")
    same = since is not None and _is_of_date(since, validators)
    return HTTPStatus.NOT_MODIFIED if same else None


def verdict(method: str, headers: Mapping[str, str], validators: Validators, size: int) -> Verdict:
    """Return how to answer a request for a file of `size` bytes."""
    if status := precondition(headers, validators):
        return Verdict(status)
    whole = Verdict(HTTPStatus.OK, 0, size)
    wanted = headers.get("Range")
    if method != "GET" or wanted is None or not _range_holds(headers, validators):
        return whole
    # Anything but a single range may be ignored, and is. No client needs several ranges.
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or not any(found.groups()):
        return whole
    first, last = found.groups()
    if first and last and int(first) > int(last):
        return whole
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        return Verdict(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    return Verdict(HTTPStatus.PARTIAL_CONTENT, start, end - start)


def _is_as_wanted(headers: Mapping[str, str], validators: Validators) -> bool:
    if (wanted := headers.get("If-Match")) is not None:
        return _matches(wanted, validators.etag, weak=False)
    since = headers.get("If-Unmodified-Since")
    return since is None or _is_of_date(since, validators)


def _is_of_date(since: str, validators: Validators) -> bool:
    """Tell whether the file is unchanged since a date."""
    if since.strip() == validators.last_modified:
        return True
    if not validators.in_order or validators.last_modified is None:
        return False
    asked, ours = _moment(since), _moment(validators.last_modified)
    return asked is not None and ours is not None and asked >= ours


def _moment(date: str) -> datetime | None:
    """Parse a header's date in any form of RFC 9110, 5.6.7; None if it is not a date."""
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _range_holds(headers: Mapping[str, str], validators: Validators) -> bool:
    condition = headers.get("If-Range")
    if condition is None:
        return True
    return condition.strip() in (validators.etag, validators.last_modified)


def _matches(condition: str, etag: str, *, weak: bool) -> bool:
    if condition.strip() == "*":
        return True
    tags = _TAG.finditer(condition)
    return any(f'"{tag[2]}"' == etag and (weak or not tag[1]) for tag in tags)
