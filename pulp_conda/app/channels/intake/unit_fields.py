"""The fields of a package's content unit, from its record and the digests of its file.

The archive is not needed. For a package in another server's index, only these are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pulp_conda.formats.about import describe
from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.records import (
    Record,
    canonical_json,
    record_digest,
    stored_integer,
    stored_text,
)
from pulp_conda.formats.run_exports import RunExports
from pulp_conda.formats.upstream.records import MirroredRecord

_INDEXED_TIMESTAMP = "indexed_timestamp"


class FileDigests(NamedTuple):
    """The digests of a package file in hex, and its size in bytes."""

    sha256: str
    md5: str
    sha1: str
    """Empty for a file that was never on this server, because records do not have it."""
    size: int


def unit_fields(
    record: Record,
    filename: PackageFilename,
    subdir: str,
    digests: FileDigests,
    *,
    run_exports: RunExports | None = None,
    about: Mapping[str, Any] | None = None,
    traits: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the fields of a `CondaPackage`.

    The record is stored with all its keys but `indexed_timestamp`. That is the time of another
    channel, and with it each channel's record of a file would be a different unit. Fields of a
    wrong type stay in the record, but count as absent otherwise. `about` is `info/about.json`.
    Without `run_exports` they are unknown.
    """
    own = {key: value for key, value in record.items() if key != _INDEXED_TIMESTAMP}
    return {
        **digests._asdict(),
        "subdir": subdir,
        "filename": str(filename),
        "name": filename.name,
        "version": filename.version,
        "build": filename.build,
        "build_number": stored_integer(own.get("build_number")) or 0,
        "timestamp": stored_integer(own.get("timestamp")),
        "extension": filename.extension,
        "record_json": canonical_json(own).decode(),
        "record_digest": record_digest(own),
        "run_exports": run_exports,
        "license": stored_text(own.get("license")),
        "about": describe(about or {}),
        "traits": sorted(traits),
    }


def mirrored_fields(record: MirroredRecord) -> dict[str, Any]:
    """Return the fields of a `CondaPackage` whose record came from an upstream.

    A size that the record does not say is 0, which no package has.
    """
    return {
        "sha256": record.sha256,
        "md5": record.md5,
        "sha1": "",
        "size": record.size or 0,
        "subdir": record.subdir,
        "filename": record.filename,
        "name": record.name,
        "version": record.version,
        "build": record.build,
        "build_number": record.build_number,
        "timestamp": record.timestamp,
        "extension": record.extension,
        "record_json": record.record_json,
        "record_digest": record.record_digest,
        "run_exports": record.run_exports,
        "license": record.license,
        "about": {},
        "traits": [],
    }
