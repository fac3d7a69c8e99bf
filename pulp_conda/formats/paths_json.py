"""`info/paths.json`, the list of files in the payload of a package (CEP 34)."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from pulp_conda.formats.errors import InvalidField, InvalidJson, TrustedText

_MEMBER: Final = "info/paths.json"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class PathEntry(msgspec.Struct, frozen=True):
    """One file, link or directory of the payload, with the fields that are checked."""

    path: str = msgspec.field(name="_path")
    path_type: Literal["hardlink", "softlink", "directory"] = "hardlink"
    sha256: str | None = None
    size_in_bytes: int | float | None = None
    prefix_placeholder: str | None = None
    file_mode: Literal["text", "binary"] | None = None

    @property
    def is_binary(self) -> bool:
        """Whether the prefix is replaced in a binary file."""
        return self.file_mode == "binary"


class _Paths(msgspec.Struct, frozen=True):
    paths: list[PathEntry]
    paths_version: int | float


def parse_paths(data: bytes) -> list[PathEntry]:
    """Return the entries of `info/paths.json`. Raises InvalidJson or InvalidField."""
    try:
        found = msgspec.json.decode(data, type=_Paths)
    except msgspec.ValidationError as error:
        raise InvalidField(_MEMBER, "paths", TrustedText(error)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidJson(_MEMBER, TrustedText(error)) from error
    if found.paths_version != 1:
        raise InvalidField(_MEMBER, "paths_version", TrustedText("only 1 is supported"))
    for entry in found.paths:
        if entry.sha256 is not None and not _SHA256.fullmatch(entry.sha256):
            raise InvalidField(
                _MEMBER, "sha256", TrustedText("it must be 64 lower-case hex digits")
            )
        size = entry.size_in_bytes
        if size is not None and (size < 0 or size != int(size)):
            raise InvalidField(
                _MEMBER, "size_in_bytes", TrustedText("it must be an integer from 0")
            )
    return found.paths
