"""How the path behind `/api/packages/{owner}/conda/` names a channel and a file."""

from dataclasses import dataclass

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
    platform's name.
    """
    *folders, filename = path.split("/")
    subdir = folders.pop() if folders and folders[-1] in KNOWN_SUBDIRS else None
    return UploadPath("/".join(folders) or None, subdir, filename)


def parse_download_path(path: str) -> tuple[str | None, str]:
    """Read `[{channel}/]{subdir}/{file}` into the channel and the path below it."""
    *folders, subdir, filename = ["", *path.split("/")]
    return "/".join(folders).strip("/") or None, f"{subdir}/{filename}"
