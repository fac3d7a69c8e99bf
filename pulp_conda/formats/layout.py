"""The paths of the files below a channel's URL (CEP 12, 16, 36, 38, 6)."""

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath

from .identifiers import extension_of, is_timestamp

NOARCH = "noarch"
"""The subdir that every channel has."""

REPODATA = "repodata.json"
CURRENT_REPODATA = "current_repodata.json"

JSON = ".json"
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
"""The documents of repodata in a subdir (CEP 36)."""

_SERVED_IN_SUBDIRS = SUBDIR_DOCUMENTS | {
    REPODATA_SHARDS,
    RUN_EXPORTS_JSON,
    RUN_EXPORTS_JSON + ZST,
    *(REPODATA_FROM_PACKAGES + suffix for suffix in ("", ZST, BZ2)),
}
"""All documents that clients may get in a subdir. A publication also has other files."""

ROOT_DOCUMENTS = frozenset({CHANNELDATA_JSON, CHANNELDATA_JSON + ZST, NOTICES, INDEX_HTML})
"""All documents that clients may get in the root of a channel."""

SHARDS = "shards"

_SHARD = re.compile(r"([0-9a-f]{64})\.msgpack\.zst")

_TYPES = {
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".zst": "application/zstd",
    ".bz2": "application/x-bzip2",
}


class FileKind(Enum):
    """The kind of a file below a channel's URL."""

    DOCUMENT = "document"
    SHARD = "shard"
    PACKAGE = "package"


@dataclass(frozen=True, slots=True)
class ChannelPath:
    """A path below a channel's URL, parsed."""

    kind: FileKind
    subdir: str
    """Empty for a document of the channel's root."""
    name: str
    """The file name; for a shard, its digest in hex."""


def parse_path(path: str) -> ChannelPath | None:
    """Parse a path below a channel's URL; return None if no channel can have such a path."""
    if not (path.isascii() and path.isprintable()):
        return None
    subdir, filename = split(path)
    if not subdir:
        return ChannelPath(FileKind.DOCUMENT, "", filename) if path in ROOT_DOCUMENTS else None
    if shard := _SHARD.fullmatch(filename):
        subdir, _, folder = subdir.rpartition("/")
        found = subdir and "/" not in subdir and folder == SHARDS
        return ChannelPath(FileKind.SHARD, subdir, shard[1]) if found else None
    if "/" in subdir:
        return None
    if filename in _SERVED_IN_SUBDIRS:
        return ChannelPath(FileKind.DOCUMENT, subdir, filename)
    return ChannelPath(FileKind.PACKAGE, subdir, filename) if extension_of(filename) else None


def split(path: str) -> tuple[str, str]:
    """Split a path below a channel's URL into its subdir and its file name.

    The subdir is empty for a file in the channel's root. It contains a slash if the path is deeper
    than those of channels.
    """
    subdir, _, filename = path.rpartition("/")
    return subdir, filename


def depth_in_channel(path: str) -> int:
    """Return how many of the last segments of a path are below the channel's URL.

    The segments before them are the name of the channel, which may contain slashes.
    """
    segments = path.split("/")
    folder, filename = ["", *segments][-2:]
    if filename in ROOT_DOCUMENTS or not filename:
        below = 1
    else:
        below = 3 if folder == SHARDS and _SHARD.fullmatch(filename) else 2
    return below + is_timestamp(*segments[-below - 1 : -below])


def content_type(path: str) -> str:
    """Return the media type of a file. Compression is part of it: clients decompress themselves."""
    return _TYPES.get(PurePosixPath(path).suffix, "application/octet-stream")
