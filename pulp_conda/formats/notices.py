"""`notices.json`, the messages of a channel to its users (CEP 6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, get_args

import msgspec

Level = Literal["info", "warning", "critical"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)

MAX_BYTES: Final = 1024 * 1024
"""The largest document that rattler reads."""


class Notice(msgspec.Struct, omit_defaults=True):
    """A notice as clients read it. They use its `id` to show it only once."""

    id: str
    message: str
    level: str
    # As text, because conda's parser for times does not know "Z" with an old Python.
    created_at: str
    expires_at: str | None = None


def notices_json(notices: Iterable[Notice]) -> bytes:
    """Return the document; equal notices give equal bytes."""
    return msgspec.json.encode({"notices": list(notices)})


def timestamp(moment: datetime) -> str:
    """Return a time in the form of the document."""
    return moment.isoformat()
