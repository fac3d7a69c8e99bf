"""`repodata.json` of an upstream subdir, for upstreams whose shards are absent or wrong (CEP 36).

A document has up to 2 GiB. It is cut into the texts of its records, which are views of it. Only the
names of the records are decoded. So it becomes what a shard index and its shards are: a digest of
each name's records, and the records of the names that are asked for.

A million records, 539 MB, take 4 s of a processor and 250 MB beside the mapped file, and their run
exports 1 s and 240 MB (`python -m tests.benchmark.documents --packages 1000000`).
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pulp_conda.formats.errors import TrustedText, quoted

from .errors import UnusableDocument
from .faults import Faults
from .limits import DEFAULT_LIMITS, UpstreamLimits
from .names import name_fault
from .raw import RawRecord, RawRecords
from .repodata import REPODATA, Repodata, Section, Text, decode_exports, decode_repodata

_Texts = Sequence[Mapping[str, msgspec.Raw]]


class Document:
    """The records of a subdir, grouped by the names that they state themselves."""

    subdir: str | None
    """None if the document does not say."""
    base_url: str
    """Where the packages are, relative to the document or absolute. Empty: beside it (CEP 15)."""
    digests: dict[str, bytes]
    """By name, a SHA-256 of its records as they are written. It does not depend on the order of the
    file, nor on run exports."""
    faults: list[str]
    """Names and records that were left out. The list is bounded."""

    def __init__(self, repodata: Repodata, limits: UpstreamLimits) -> None:
        self.subdir = repodata.info.subdir
        self.base_url = repodata.info.base_url or ""
        self._limits = limits
        faults = Faults(limits.faults)
        if repodata.wheels:
            faults.add(f"{repodata.wheels:,} records of wheels were left out")
        self._filenames = _by_name(repodata.sections, faults)
        self._texts: _Texts = [section.records for section in repodata.sections]
        self._exports: _Texts = []
        self.digests = {name: self._digest(self._texts, name) for name in self._filenames}
        self.faults = faults.sentences()

    def records(self, name: str) -> RawRecords:
        """Return the records of a name by file name, none if the name is unknown."""
        return {
            filename: RawRecord(data, False, _find(self._exports, filename))
            for filename in self._filenames.get(name, ())
            if (data := _find(self._texts, filename)) is not None
        }

    def add_run_exports(self, text: Text) -> None:
        """Take the run exports in `run_exports.json`, which lies beside the document (CEP 12).

        Records that state run exports themselves keep those. Raises UnusableDocument, and then
        nothing is taken.
        """
        self._exports = decode_exports(text, self._limits)

    def run_exports_digests(self) -> dict[str, bytes]:
        """Return, by name, a SHA-256 of the run exports that were added, as they are written.

        Upstreams change them without a change of the records (CEP 21).
        """
        return {name: self._digest(self._exports, name) for name in self._filenames}

    def _digest(self, texts: _Texts, name: str) -> bytes:
        found: list[bytes | msgspec.Raw] = []
        for filename in sorted(self._filenames[name]):
            if (data := _find(texts, filename)) is not None:
                found += (filename.encode(), data)
        return hashlib.sha256(b"".join(found)).digest()


def decode_document(text: Text, *, limits: UpstreamLimits = DEFAULT_LIMITS) -> Document:
    """Return the records in `repodata.json`.

    Files that it lists as removed are not among them. Records without a name, and those of names
    that no package may have, are left out and reported. The document keeps `text`, whose memory
    must not be unmapped.

    Raises UnusableDocument if it cannot be read to its end, has no place for packages, or has a
    record that is not an object.
    """
    return Document(decode_repodata(text, limits), limits)


def read_document(path: Path, *, limits: UpstreamLimits = DEFAULT_LIMITS) -> Document:
    """Return the records in a file with `repodata.json`. Raises UnusableDocument.

    The file is mapped and not read into memory, and may be deleted at once. It must not be written
    to as long as the document or one of its records is in use.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise UnusableDocument(REPODATA, TrustedText("it is empty"))
        # It is never closed: records are views of it, which do not notice that.
        return decode_document(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ), limits=limits)


def _by_name(sections: Sequence[Section], faults: Faults) -> dict[str, list[str]]:
    """Return the file names of each name. Each file name is in one list, and there once."""
    found: dict[str, list[str]] = {}
    refused: set[str] = set()
    before: list[Mapping[str, msgspec.Raw]] = []
    for section in sections:
        for filename, name in zip(section.records, section.names, strict=True):
            if before and _find(before, filename) is not None:
                continue
            if name is None:
                faults.add(f"{quoted(filename)} was left out: its record has no name")
                continue
            filenames = found.get(name)
            if filenames is not None:
                filenames.append(filename)
            elif name not in refused:
                if fault := name_fault(name):
                    faults.add(f"{quoted(name)} was left out: {fault}")
                    refused.add(name)
                else:
                    found[name] = [filename]
        if section.records:
            before.append(section.records)
    return found


def _find(texts: _Texts, filename: str) -> msgspec.Raw | None:
    for each in texts:
        data = each.get(filename)
        if data is not None:
            return data
    return None
