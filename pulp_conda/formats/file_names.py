"""How operating systems interpret the names of files in a package.

Linux uses a name as it is written. Windows splits paths at backslashes too, ignores case and the
dots and spaces at the end of a name, treats the text after a colon as a stream of the same file,
and gives long names an additional short name (`CONDA-~1`). macOS ignores case, the encoding of
accents, and some invisible characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_IGNORED_AT_END: Final = " ."
# The characters that HFS+ ignores when it compares names: zero-width, and marks of direction.
_INVISIBLE: Final = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)


@lru_cache(maxsize=1024)
def normalized_name(name: str) -> str:
    """Return a form of a name that is equal for all names of one file on some system."""
    if not name.isascii():
        name = unicodedata.normalize("NFD", name.translate(_INVISIBLE))
        name = unicodedata.normalize("NFD", name.casefold())
    return name.partition(":")[0].lower().rstrip(_IGNORED_AT_END) or name


def split_path(path: str) -> list[str]:
    """Split a path as Windows does. Without backslashes, the result is the same on all systems."""
    return [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]


def is_absolute(path: str) -> bool:
    """Return whether a path starts at a root or a drive of some system."""
    # On Windows only letters are drives, but Python treats any character before a colon as one.
    return path.startswith(("/", "\\")) or path[1:2] == ":"


def climbs(path: str) -> bool:
    """Return whether a path contains `..`, or a part that some system treats as `..`."""
    # A fast test first, because this is called for every member, and almost none has such a part.
    suspicious = ".." in path or ". " in path or " ." in path or ".:" in path or not path.isascii()
    return suspicious and any(map(is_dots, split_path(path)))


def is_dots(part: str) -> bool:
    """Return whether a part of a path consists of dots, with spaces between or after them."""
    name = part.translate(_INVISIBLE).partition(":")[0]
    return "." in name and not name.strip(_IGNORED_AT_END)


def may_be(path: str, target: str) -> bool:
    """Return whether a path may be `target`, given in lower case, on some system."""
    parts, wanted = split_path(path), target.split("/")
    return len(parts) == len(wanted) and all(map(_may_name, parts, wanted))


def may_be_within(path: str, directory: str) -> bool:
    """Return whether a path may be `directory`, given in lower case, or in it on some system."""
    parts = split_path(path)
    return bool(parts) and _may_name(parts[0], directory)


def _may_name(name: str, wanted: str) -> bool:
    found = normalized_name(name)
    return found == wanted or ("~" in found and _short_name(wanted).fullmatch(found) is not None)


@lru_cache(maxsize=64)
def _short_name(name: str) -> re.Pattern[str]:
    """Return a pattern of the short names that Windows may give to a long name."""
    stem, _, extension = name.partition(".")
    ending = re.escape(f".{extension[:3]}") if extension else ""
    return re.compile(rf"{re.escape(stem[:6])}~[1-9]{ending}")
