"""`info/paths.json`: what the payload holds (CEP 34)."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from pulp_conda.formats.errors import InvalidField, InvalidJson, Phrase

_MEMBER: Final = "info/paths.json"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class PathEntry(msgspec.Struct, frozen=True):
    """One file, link or directory of the payload; only the fields that are checked."""

    path: str = msgspec.field(name="_path")
    path_type: Literal["hardlink", "softlink", "directory"] = "hardlink"
    sha256: str | None = None
    size_in_bytes: int | None = None
    prefix_placeholder: str | None = None
    file_mode: Literal["text", "binary"] | None = None

    @property
    def is_binary(self) -> bool:
        """Whether the prefix is replaced in a binary file."""
        return self.file_mode == "binary"


class _Paths(msgspec.Struct, frozen=True):
    paths: list[PathEntry]
    paths_version: Literal[1]


def parse_paths(data: bytes) -> list[PathEntry]:
    """Return the entries of `info/paths.json`. Raises InvalidJson or InvalidField."""
    try:
        entries = msgspec.json.decode(data, type=_Paths).paths
    except msgspec.ValidationError as error:
        raise InvalidField(_MEMBER, "paths", Phrase(error)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidJson(_MEMBER, Phrase(error)) from error
    for entry in entries:
        if entry.sha256 is not None and not _SHA256.fullmatch(entry.sha256):
            raise InvalidField(_MEMBER, "sha256", Phrase("it must be 64 lower-case hex digits"))
        if entry.size_in_bytes is not None and entry.size_in_bytes < 0:
            raise InvalidField(_MEMBER, "size_in_bytes", Phrase("it must not be negative"))
    return entries
