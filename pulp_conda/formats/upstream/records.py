"""Records of an upstream that are kept as they are, and the facts that this server needs of them.

A record stays verbatim: unknown fields, nulls, fields of a wrong type and whole floats. Only those
keys are taken out that place or date a file in its channel, and say nothing of the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from pulp_conda.formats.errors import TrustedText
from pulp_conda.formats.identifiers import (
    MAX_BUILD,
    MAX_VERSION,
    Extension,
    extension_of,
)
from pulp_conda.formats.records import record_text, stored_integer, stored_text
from pulp_conda.formats.run_exports import RunExports

from .errors import UnusableRecord
from .limits import DEFAULT_LIMITS, UpstreamLimits
from .names import filename_fault
from .raw import Fields, RawRecord, decoded_fields, stated_beside
from .run_exports import stated_run_exports

PLACING_KEYS: Final = frozenset(
    {
        "base_url",
        "channel",
        "download_url",
        "fn",
        "indexed_timestamp",
        "run_exports",
        "url",
    }
)
"""Keys that are not part of a mirrored record. Channels start and stop to write them, and with them
each change would make a new unit of every file. Run exports are stored beside the record."""

_HEX: Final = {"sha256": re.compile(r"[0-9a-fA-F]{64}"), "md5": re.compile(r"[0-9a-fA-F]{32}")}


class MirroredRecord(NamedTuple):
    """A record of an upstream, and what this server stores beside it."""

    subdir: str
    filename: str
    name: str
    version: str
    build: str
    build_number: int
    extension: Extension
    record: Fields
    """Without `PLACING_KEYS`."""
    record_json: str
    """The record as text: sorted keys, no spaces."""
    record_digest: str
    """SHA-256, in hex, of the text and the run exports if they are known."""
    run_exports: RunExports | None
    """None if the upstream does not say."""
    indexed: int | None
    """`indexed_timestamp`, in milliseconds since the epoch, as the upstream claims."""
    sha256: str
    """In lower-case hex, empty if unknown. `md5` is known then."""
    md5: str
    """Likewise."""
    size: int | None
    """Of the file, in bytes. None if unknown."""
    timestamp: int | None
    """As the record says: in milliseconds, or in seconds if it is old."""
    license: str
    """Empty if unknown."""

    @property
    def is_misnamed(self) -> bool:
        """Whether the file name is that of a package of another name, which may list it too."""
        stem = self.filename[: -len(self.extension) - 1]
        return stem.rsplit("-", 2)[0] != self.name


def mirrored_record(
    filename: str,
    raw: RawRecord | Mapping[str, object],
    *,
    name: str,
    subdir: str,
    limits: UpstreamLimits = DEFAULT_LIMITS,
) -> MirroredRecord:
    """Return the record of a file, which its upstream lists under `name` in `subdir`.

    Fields of a wrong type stay in the record, but count as absent otherwise. The file name need not
    be made of the record's name, version and build.

    Raises UnusableRecord if the file name is unsafe, if the record is of another name or subdir, if
    its version or build cannot be stored, or if there is no valid hash to check the file by.
    """
    extension = _extension(filename)
    record, stated = _decoded(filename, raw, limits)
    check = _Checks(filename, record)
    check.place(name, subdir)
    sha256, md5 = check.hashes()
    run_exports = stated_run_exports(stated)
    indexed = _positive(record.get("indexed_timestamp"))
    for key in PLACING_KEYS:
        record.pop(key, None)
    text, digest = check.identity(run_exports, limits.record_bytes)
    return MirroredRecord(
        subdir, filename, name,
        check.text("version", MAX_VERSION), check.text("build", MAX_BUILD),
        stored_integer(record.get("build_number")) or 0,
        extension, record, text, digest, run_exports, indexed, sha256, md5,
        _positive(record.get("size")), stored_integer(record.get("timestamp")),
        stored_text(record.get("license")),
    )  # fmt: skip


def _extension(filename: str) -> Extension:
    if fault := filename_fault(filename):
        raise UnusableRecord(filename, TrustedText(fault))
    extension = extension_of(filename)
    if extension is None:
        raise UnusableRecord(filename, TrustedText("files must end in .conda or .tar.bz2"))
    return extension


def _decoded(
    filename: str, raw: RawRecord | Mapping[str, object], limits: UpstreamLimits
) -> tuple[Fields, object]:
    """Return a record, and what it or the document beside it states as its run exports."""
    if not isinstance(raw, RawRecord):
        raw = RawRecord(msgspec.Raw(msgspec.json.encode(raw)), binary=False)
    record = decoded_fields(filename, raw, limits)
    if (stated := record.get("run_exports")) is not None:
        return record, stated
    return record, stated_beside(raw, limits)


class _Checks:
    """The checks of one record."""

    def __init__(self, filename: str, record: Fields) -> None:
        self._filename = filename
        self._record = record

    def place(self, name: str, subdir: str) -> None:
        """Raise UnusableRecord if the record is of another name or another subdir."""
        if self._record.get("name") != name:
            raise self.unusable(f"its name is not {name}, under which it is listed")
        if self._record.get("subdir") not in (None, subdir):
            raise self.unusable(f"its subdir is not {subdir}")

    def text(self, field: str, longest: int) -> str:
        """Return a field that has to be a text which can be stored and shown."""
        value = self._record.get(field)
        if not isinstance(value, str) or not value:
            raise self.unusable(f"its {field} is not a text")
        if len(value) > longest:
            raise self.unusable(f"its {field} has more than {longest} characters")
        if not (value.isascii() and value.isprintable()):
            raise self.unusable(f"its {field} has a character that is not printable ASCII")
        return value

    def hashes(self) -> tuple[str, str]:
        """Return the SHA-256 and the MD5, of which one may be empty."""
        sha256, md5 = self._hash("sha256"), self._hash("md5")
        if not (sha256 or md5):
            raise self.unusable("it has no hash to check the file by")
        return sha256, md5

    def _hash(self, field: str) -> str:
        value = self._record.get(field)
        if value is None or value == "":
            return ""
        if not isinstance(value, str) or not _HEX[field].fullmatch(value):
            raise self.unusable(f"its {field} is not one")
        return value.lower()

    def identity(self, run_exports: RunExports | None, most_bytes: int) -> tuple[str, str]:
        """Return the record as text, and the digest of it and of the run exports if known."""
        text = record_text(self._record)
        exports_text = b"" if run_exports is None else record_text(run_exports)
        if len(text) + len(exports_text) > most_bytes:
            raise self.unusable(f"it has more than {most_bytes:,} bytes")
        return text.decode(), hashlib.sha256(text + exports_text).hexdigest()

    def unusable(self, reason: str) -> UnusableRecord:
        """Return the error for a reason."""
        return UnusableRecord(self._filename, TrustedText(reason))


def _positive(value: object) -> int | None:
    number = stored_integer(value)
    return number if number is not None and number > 0 else None
