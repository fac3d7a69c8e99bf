"""How the path behind `/api/packages/{owner}/conda/` names a channel and a file."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import KNOWN_SUBDIRS


@dataclass(frozen=True, slots=True)
class UploadPath:
    """Where an upload is to go; `subdir` is what the client claims the package's to be."""

    channel: str | None
    subdir: str | None
    filename: str


def parse_upload_path(path: str) -> UploadPath:
    """Read `[{channel}/][{subdir}/]{filename}`; a channel's name may hold slashes.

    The subdir is Artifactory's layout and can be told from a channel only where it is a
    platform's name. Slashes that separate nothing are left out.
    """
    *folders, filename = [segment for segment in path.split("/") if segment] or [""]
    subdir = folders.pop() if folders and folders[-1] in KNOWN_SUBDIRS else None
    return UploadPath("/".join(folders) or None, subdir, filename)


def parse_download_path(path: str) -> tuple[str | None, str]:
    """Read `[{channel}/]{subdir}/{file}` into the channel and the path below it.

    Documents of the channel's root, shards and the times of checkpoints are known by their names.
    Slashes that separate nothing are left out, but for the one at the end of a folder.
    """
    segments = [segment for segment in path.split("/") if segment]
    if path.endswith("/") and not _lead_to_a_file(segments):
        segments.append("")
    below = layout.depth("/".join(segments))
    return "/".join(segments[:-below]) or None, "/".join(segments[-below:])


def _lead_to_a_file(segments: list[str]) -> bool:
    below = layout.depth("/".join(segments))
    return layout.place("/".join(segments[-below:])) is not None


@dataclass(frozen=True, slots=True)
class GenericPath:
    """What a URL of the generic package API names; without `version` all versions."""

    channel: str | None
    name: str
    version: str | None
    below: Literal["", "files", "latest"]
    """What of a version is meant, or that the latest version is."""


def parse_generic_path(target: str) -> GenericPath | None:
    """Read `.../{owner}/conda/{name}[/-/latest|/{version}[/files]]` as it was requested.

    `{name}` is the displayed name, whose slashes are percent-encoded. Slashes that are not are
    taken as its own too where a version follows: without one, `dev/foo` is version foo of dev.
    An empty segment is an error, for the version that a script forgot must not mean all versions.
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
