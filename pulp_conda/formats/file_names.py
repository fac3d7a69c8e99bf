"""Names of files as the systems see them that a package may be unpacked on.

Linux takes a name as it is written. Windows splits paths at backslashes as well, overlooks case and
the dots and blanks that end a name, takes what follows a colon for a stream of the same file, and
gives long names a short one beside (`CONDA-~1`). macOS overlooks case, how accents are encoded, and
some characters that are not shown.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_BLANK_ENDS: Final = " ."
# What HFS+ leaves out when it compares names; zero-width characters and marks of direction.
_UNSEEN: Final = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)


@lru_cache(maxsize=1024)
def spelling(name: str) -> str:
    """Return the spelling that is the same for all names which some system takes for one file."""
    if not name.isascii():
        name = unicodedata.normalize("NFD", name.translate(_UNSEEN))
        name = unicodedata.normalize("NFD", name.casefold())
    return name.partition(":")[0].lower().rstrip(_BLANK_ENDS) or name


def split_path(path: str) -> list[str]:
    """Split a path as Windows does, which is as other systems do where it has no backslash."""
    return [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]


def is_absolute(path: str) -> bool:
    """Tell whether a path starts at a root or a drive of some system."""
    # Windows has drives of letters alone, but Python reads any character so.
    return path.startswith(("/", "\\")) or path[1:2] == ":"


def climbs(path: str) -> bool:
    """Tell whether a path holds `..`, or what some system takes for it."""
    # This is asked of every member, and hardly any holds one of these.
    suspicious = ".." in path or ". " in path or " ." in path or ".:" in path or not path.isascii()
    return suspicious and any(map(is_dots, split_path(path)))


def is_dots(part: str) -> bool:
    """Tell whether a part of a path is made of dots, with blanks between them or behind."""
    name = part.translate(_UNSEEN).partition(":")[0]
    return "." in name and not name.strip(_BLANK_ENDS)


def may_be(path: str, target: str) -> bool:
    """Tell whether some system may take a path for `target`, which is in lower case."""
    parts, wanted = split_path(path), target.split("/")
    return len(parts) == len(wanted) and all(map(_may_name, parts, wanted))


def may_be_within(path: str, directory: str) -> bool:
    """Tell whether some system may take a path for `directory`, in lower case, or one in it."""
    parts = split_path(path)
    return bool(parts) and _may_name(parts[0], directory)


def _may_name(name: str, wanted: str) -> bool:
    found = spelling(name)
    return found == wanted or ("~" in found and _short_name(wanted).fullmatch(found) is not None)


@lru_cache(maxsize=64)
def _short_name(name: str) -> re.Pattern[str]:
    """Return what the short names look like that Windows may give a long name."""
    stem, _, extension = name.partition(".")
    ending = re.escape(f".{extension[:3]}") if extension else ""
    return re.compile(rf"{re.escape(stem[:6])}~[1-9]{ending}")
