"""Text that shows all that it holds, in the order in which it stands."""

from __future__ import annotations

import re
from typing import Final

# Controls (C0, DEL, C1), ends of lines and paragraphs, and what turns the direction of writing
# (Unicode's Bidi_Control): a terminal obeys the former, and the latter show a name as another one.
_COMMANDS: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]"
)
_LINE_ENDS: Final = str.maketrans("", "", "\n\t")


def is_plain(text: str) -> bool:
    """Tell whether a text has no control characters and none that turn its direction."""
    return text.isprintable() or _COMMANDS.search(text) is None


def is_plain_in_lines(text: str) -> bool:
    """Tell the same of a text that may have several lines and tabs."""
    return is_plain(text.translate(_LINE_ENDS))
