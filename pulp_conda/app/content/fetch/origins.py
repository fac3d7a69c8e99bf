"""Where the file of a package may be fetched."""

from typing import Any
from uuid import UUID

from pulp_conda.app.channels.transfer.wanted import Origin, WantedFile
from pulp_conda.app.content.lookup import AbsentFile
from pulp_conda.app.content.statements import (
    ORIGINS,
    ORIGINS_ELSEWHERE,
    ORIGINS_KNOWN,
    STORED,
)
from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.formats.layout import ChannelPath
from pulp_conda.formats.upstream.urls import package_url

_STREAMED = "streamed"


def wanted_file(absent: AbsentFile, parsed: ChannelPath) -> WantedFile | None:
    """Return what is to be fetched, None if no upstream is known to have it.

    The upstreams of the repository count. Only if it has none, those of any repository that holds
    or held the package, and then those from which the file was fetched before.
    """
    ways = (
        (ORIGINS, (absent.repository, parsed.subdir), parsed.name),
        (ORIGINS_ELSEWHERE, (absent.content, parsed.subdir), parsed.name),
        (ORIGINS_KNOWN, (absent.content,), ""),  # these are URLs of files
    )
    for statement, values, name in ways:
        if rows := _rows(statement, *values):
            found = (
                Origin(remote, package_url(url, name), policy != _STREAMED)
                for remote, url, policy in rows
            )
            origins = tuple(dict.fromkeys(found))
            path = f"{parsed.subdir}/{parsed.name}"
            return WantedFile(absent.content, path, absent.size or None, absent.digest, origins)
    return None


def stored(content: UUID) -> tuple[str, int] | None:
    """Return the name and size of a package's file in the storage, None if it is not there."""
    rows = _rows(STORED, content)
    return rows[0] if rows else None


def _rows(statement: str, *values: UUID | str) -> list[Any]:
    with prepared_cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
