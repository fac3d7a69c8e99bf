"""Names that an upstream gives to packages and files, and that this server can store and serve.

The rules are looser than those for uploads: real channels have names and versions that CEP 26
forbids. A name becomes a part of URLs and of JSON keys, so it has none of their special characters.
"""

from __future__ import annotations

import re
from typing import Final

from pulp_conda.formats.identifiers import MAX_FILENAME, MAX_NAME

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_FILENAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+!-]*")
_VIRTUAL: Final = "__"


def name_fault(name: str) -> str | None:
    """Return the reason for which no package may have a name, None if one may."""
    if len(name) > MAX_NAME:
        return f"the package name has more than {MAX_NAME} characters"
    if name.startswith(_VIRTUAL):
        return "package names that start with __ belong to virtual packages"
    if not _NAME.fullmatch(name):
        return "the package name has other characters than letters, digits, '_', '.' and '-'"
    return None


def filename_fault(filename: str) -> str | None:
    """Return the reason for which no file may have a name, None if one may."""
    if len(filename) > MAX_FILENAME:
        return f"the file name has more than {MAX_FILENAME} characters"
    if not _FILENAME.fullmatch(filename):
        return "the file name has other characters than letters, digits and '_.+!-'"
    return None
