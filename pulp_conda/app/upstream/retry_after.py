"""When to ask again: `Retry-After` as upstreams write it, and pauses of our own."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 24 * 3600
"""A longer `Retry-After` is cut to this."""

_LONGEST_BACKOFF_SECONDS = 60


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return a `Retry-After` (seconds or a date) in seconds from now; None if it makes no sense."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        seconds = float(value[:10])
    else:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        if at.tzinfo is None:  # a date with the zone -0000
            at = at.replace(tzinfo=UTC)
        seconds = max(0.0, (at - now).total_seconds())
    return min(seconds, LONGEST_SECONDS)


def backoff(failures: int) -> float:
    """Return a pause after so many failures in a row, in seconds. It is random by a half."""
    longest = min(_LONGEST_BACKOFF_SECONDS, 2.0 ** min(failures, 16))
    return longest * random.uniform(0.5, 1)  # noqa: S311 (no secret)
