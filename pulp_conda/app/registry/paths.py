"""Parsing of the path after `/api/packages/{owner}/conda/` into channel and file."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import KNOWN_SUBDIRS


@dataclass(frozen=True, slots=True)
class UploadPath:
    """The target of an upload; `subdir` is the client's claim about the package."""

    channel: str | None
    subdir: str | None
    filename: str


def parse_upload_path(path: str) -> UploadPath:
    """Parse `[{channel}/][{subdir}/]{filename}`; a channel's name may contain slashes.

    Artifactory's clients send the subdir. The last folder is a subdir if it is the name of a
    known platform, otherwise a part of the channel. Empty segments are dropped.
    """
    *folders, filename = [segment for segment in path.split("/") if segment] or [""]
    subdir = folders.pop() if folders and folders[-1] in KNOWN_SUBDIRS else None
    return UploadPath("/".join(folders) or None, subdir, filename)


def parse_download_path(path: str) -> tuple[str | None, str]:
    """Parse `[{channel}/]{subdir}/{file}` into the channel and the path below it.

    Documents of the channel's root, shards and the times of checkpoints are recognised by their
    names. Empty segments are dropped, except for the slash at the end of a folder.
    """
    segments = [segment for segment in path.split("/") if segment]
    if path.endswith("/") and not _lead_to_a_file(segments):
        segments.append("")
    below = layout.depth_in_channel("/".join(segments))
    return "/".join(segments[:-below]) or None, "/".join(segments[-below:])


def _lead_to_a_file(segments: list[str]) -> bool:
    below = layout.depth_in_channel("/".join(segments))
    return layout.parse_path("/".join(segments[-below:])) is not None


@dataclass(frozen=True, slots=True)
class GenericPath:
    """What a URL of the generic package API names; all versions if `version` is None."""

    channel: str | None
    name: str
    version: str | None
    below: Literal["", "files", "latest"]
    """The part of the version that is requested, or "latest" for the latest version."""


def parse_generic_path(target: str) -> GenericPath | None:
    """Parse `.../{owner}/conda/{name}[/-/latest|/{version}[/files]]` of the raw request target.

    `{name}` is the displayed name, with percent-encoded slashes. Plain slashes also belong to the
    name if a version follows; without one, `dev/foo` is version foo of dev. An empty segment is
    invalid (None): a URL whose version a script forgot must not mean all versions.
    """
    path = target.partition("?")[0].partition("/api/v1/packages/")[2]
    segments = [unquote(segment) for segment in path.split("/")[2:]]
    if not segments or not all(segments):
        return None
    below: Literal["", "files", "latest"] = ""
    if len(segments) > 2 and segments[-2:] == ["-", "latest"]:
        below = "latest"
        del segments[-2:]
    elif len(segments) > 2 and segments[-1] == "files":
        below = "files"
        segments.pop()
    version = segments.pop() if len(segments) > 1 and below != "latest" else None
    channel, _, name = "/".join(segments).rpartition("/")
    return GenericPath(channel or None, name, version, below)
