"""The names of the files below a channel's URL, and how long a client may keep each."""

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath

from .identifiers import extension_of, is_timestamp

NOARCH = "noarch"
"""The subdir that every channel has."""

REPODATA = "repodata.json"
CURRENT_REPODATA = "current_repodata.json"

ZST = ".zst"
BZ2 = ".bz2"

REPODATA_FROM_PACKAGES = "repodata_from_packages.json"
RUN_EXPORTS_JSON = "run_exports.json"
REPODATA_SHARDS = "repodata_shards.msgpack.zst"
CHANNELDATA_JSON = "channeldata.json"
NOTICES = "notices.json"
INDEX_HTML = "index.html"

SUBDIR_DOCUMENTS = frozenset(
    document + suffix for document in (REPODATA, CURRENT_REPODATA) for suffix in ("", ZST, BZ2)
)
"""What a channel's index may hold in every subdir (CEP 36)."""

_SERVED_IN_SUBDIRS = SUBDIR_DOCUMENTS | {
    REPODATA_SHARDS,
    RUN_EXPORTS_JSON,
    RUN_EXPORTS_JSON + ZST,
    *(REPODATA_FROM_PACKAGES + suffix for suffix in ("", ZST, BZ2)),
}
"""What clients may ask for in a subdir: other files of a publication are its own."""

ROOT_DOCUMENTS = frozenset({CHANNELDATA_JSON, CHANNELDATA_JSON + ZST, NOTICES, INDEX_HTML})
"""What clients may ask for beside the subdirs."""

SHARDS = "shards"

_LONGEST_LIFETIME_S = 365 * 24 * 3600

_SHARD = re.compile(r"([0-9a-f]{64})\.msgpack\.zst")

_TYPES = {
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".zst": "application/zstd",
    ".bz2": "application/x-bzip2",
}


class Kind(Enum):
    """How a channel comes by a file, and how long a client may keep it."""

    DOCUMENT = "document"
    SHARD = "shard"
    PACKAGE = "package"


@dataclass(frozen=True, slots=True)
class Place:
    """What a path below a channel's URL names."""

    kind: Kind
    subdir: str
    """Empty for a document of the channel's root."""
    name: str
    """The file's name; of a shard its digest in hex."""


def place(path: str) -> Place | None:
    """Return what a path below a channel's URL names, None where no channel has such a path."""
    if not (path.isascii() and path.isprintable()):
        return None
    subdir, filename = split(path)
    if not subdir:
        return Place(Kind.DOCUMENT, "", filename) if path in ROOT_DOCUMENTS else None
    if shard := _SHARD.fullmatch(filename):
        subdir, _, folder = subdir.rpartition("/")
        found = subdir and "/" not in subdir and folder == SHARDS
        return Place(Kind.SHARD, subdir, shard[1]) if found else None
    if "/" in subdir:
        return None
    if filename in _SERVED_IN_SUBDIRS:
        return Place(Kind.DOCUMENT, subdir, filename)
    return Place(Kind.PACKAGE, subdir, filename) if extension_of(filename) else None


def split(path: str) -> tuple[str, str]:
    """Split a path below a channel's URL into its subdir and its file name.

    The subdir is empty for a document of the channel's root, and holds a slash where the path is
    deeper than any that a channel has.
    """
    subdir, _, filename = path.rpartition("/")
    return subdir, filename


def depth(path: str) -> int:
    """Return how many of a path's last segments lie below the channel's URL, by their look.

    A channel's name may hold slashes, so what comes before these segments is its name.
    """
    segments = path.split("/")
    folder, filename = ["", *segments][-2:]
    if filename in ROOT_DOCUMENTS or not filename:
        below = 1
    else:
        below = 3 if folder == SHARDS and _SHARD.fullmatch(filename) else 2
    return below + is_timestamp(*segments[-below - 1 : -below])


def content_type(path: str) -> str:
    """Return the media type of a file, which never is an encoding: clients unpack themselves."""
    return _TYPES.get(PurePosixPath(path).suffix, "application/octet-stream")


def cache_control(kind: Kind, *, private: bool, name_lifetime_s: int = 0) -> str:
    """Return the Cache-Control header of a file. What a shard's URL means never changes.

    A document is asked for anew every time, which costs a 304: who was told that an upload is done
    finds it also if they looked a second before. So is a package, whose name may be withdrawn or
    come back with other bytes; `name_lifetime_s` is how long that is excluded.
    """
    who = "private" if private else "public"
    lifetime = {Kind.SHARD: _LONGEST_LIFETIME_S, Kind.PACKAGE: name_lifetime_s}.get(kind, 0)
    return f"{who}, max-age={lifetime}, " + ("immutable" if lifetime else "must-revalidate")
