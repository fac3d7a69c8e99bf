"""Text without control characters, and without characters that change its direction."""

from __future__ import annotations

import re
from typing import Final

# Control characters (C0, DEL, C1), line and paragraph separators, and Unicode's Bidi_Control.
# Terminals obey the first. The last change the direction of text: a name looks like another one.
_CONTROLS: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]"
)
_LINE_ENDS: Final = str.maketrans("", "", "\n\t")


def is_plain(text: str) -> bool:
    """Return whether a text has no characters that control a terminal or change its direction."""
    return text.isprintable() or _CONTROLS.search(text) is None


def is_plain_in_lines(text: str) -> bool:
    """Return the same as `is_plain`, for a text that may have line breaks and tabs."""
    return is_plain(text.translate(_LINE_ENDS))
