"""`notices.json`: what a channel has to say to its users (CEP 6)."""

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
    """A notice as clients read it; those know by its `id` which they have shown."""

    id: str
    message: str
    level: str
    # As text: conda's parser for times knows no "Z" where Python is old.
    created_at: str
    expires_at: str | None = None


def notices_json(notices: Iterable[Notice]) -> bytes:
    """Return the document; it is the same for the same notices."""
    return msgspec.json.encode({"notices": list(notices)})


def timestamp(moment: datetime) -> str:
    """Return a time as the document has it."""
    return moment.isoformat()
