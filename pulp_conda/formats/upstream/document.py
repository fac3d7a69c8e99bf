"""`repodata.json` of an upstream subdir, for upstreams whose shards are absent or wrong (CEP 36).

A document has up to 2 GiB. It is read once, and cut into the texts of its records, which are views
of it. Only the names of the records are decoded. So it becomes what a shard index and its shards
are: a digest of each name's records, and the records of the names that are asked for.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from pulp_conda.formats.errors import TrustedText, quoted
from pulp_conda.formats.identifiers import EXTENSIONS

from .errors import UnusableDocument
from .faults import Faults
from .limits import DEFAULT_LIMITS, UpstreamLimits
from .names import name_fault
from .raw import RawRecord, RawRecords

_REPODATA: Final = TrustedText("repodata.json")
_RUN_EXPORTS: Final = TrustedText("run_exports.json")
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_Section = Mapping[str, msgspec.Raw]


class _Info(msgspec.Struct):
    subdir: str | None = None
    base_url: str | None = None


class _Encoded(msgspec.Struct):
    info: _Info | None = None
    packages: dict[str, msgspec.Raw] | None = None
    packages_conda: dict[str, msgspec.Raw] | None = msgspec.field(
        name="packages.conda", default=None
    )
    v3: dict[str, msgspec.Raw] | None = None


class _Named(msgspec.Struct):
    name: str


_DECODER: Final = msgspec.json.Decoder(_Encoded)
_NAMED: Final = msgspec.json.Decoder(_Named)
_MAP: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


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

    def __init__(self, encoded: _Encoded, limits: UpstreamLimits) -> None:
        info = encoded.info or _Info()
        self.subdir = info.subdir
        self.base_url = info.base_url or ""
        faults = Faults(limits.faults)
        self._sections = list(_sections(encoded, faults))
        self._exports: list[_Section] = []
        self._filenames = _by_name(self._sections, faults)
        self.digests = {name: self._digest(self._sections, name) for name in self._filenames}
        self.faults = faults.sentences()

    def records(self, name: str) -> RawRecords:
        """Return the records of a name by file name, none if the name is unknown."""
        return {
            filename: RawRecord(data, False, _find(self._exports, filename))
            for filename in self._filenames.get(name, ())
            if (data := _find(self._sections, filename)) is not None
        }

    def add_run_exports(self, data: bytes) -> None:
        """Take the run exports in `run_exports.json`, which lies beside the document (CEP 12).

        Records that state run exports themselves keep those. Raises UnusableDocument, and then
        nothing is taken.
        """
        encoded = _encoded(data, _RUN_EXPORTS)
        self._exports = [each for each in (encoded.packages, encoded.packages_conda) if each]

    def run_exports_digests(self) -> dict[str, bytes]:
        """Return, by name, a SHA-256 of the run exports that were added, as they are written.

        Upstreams change them without a change of the records (CEP 21).
        """
        return {name: self._digest(self._exports, name) for name in self._filenames}

    def _digest(self, sections: list[_Section], name: str) -> bytes:
        texts: list[bytes | msgspec.Raw] = []
        for filename in sorted(self._filenames[name]):
            if (data := _find(sections, filename)) is not None:
                texts += (filename.encode(), data)
        return hashlib.sha256(b"".join(texts)).digest()


def decode_document(
    data: bytes | mmap.mmap, *, limits: UpstreamLimits = DEFAULT_LIMITS
) -> Document:
    """Return the records in `repodata.json`.

    Files that it lists as removed are not among them. Records without a name, and those of names
    that no package may have, are left out and reported. The document keeps `data`, whose memory
    must not be unmapped.

    Raises UnusableDocument if it cannot be read to its end, or has no place for packages.
    """
    if len(data) > limits.document_bytes:
        reason = f"it has more than {limits.document_bytes:,} bytes"
        raise UnusableDocument(_REPODATA, TrustedText(reason))
    encoded = _encoded(data, _REPODATA)
    if encoded.packages is None and encoded.packages_conda is None and encoded.v3 is None:
        raise UnusableDocument(_REPODATA, TrustedText("it has no packages, not even an empty map"))
    return Document(encoded, limits)


def read_document(path: Path, *, limits: UpstreamLimits = DEFAULT_LIMITS) -> Document:
    """Return the records in a file with `repodata.json`. Raises UnusableDocument.

    The file is mapped and not read into memory, and may be deleted at once. It must not be written
    to as long as the document or one of its records is in use.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise UnusableDocument(_REPODATA, TrustedText("it is empty"))
        # It is never closed: records are views of it, which do not notice that.
        return decode_document(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ), limits=limits)


def _encoded(data: bytes | mmap.mmap, document: TrustedText) -> _Encoded:
    try:
        return _DECODER.decode(data)
    except _UNREADABLE as error:
        raise UnusableDocument(document, TrustedText(f"it cannot be read ({error})")) from error


def _sections(encoded: _Encoded, faults: Faults) -> Iterator[_Section]:
    """Yield the maps of records by file name. Of two records of a file, the first counts.

    Those of `v3` come first, because they say more.
    """
    for kind, data in (encoded.v3 or {}).items():
        try:
            records = _MAP.decode(data)
        except _UNREADABLE as error:
            raise UnusableDocument(_REPODATA, TrustedText("its v3 is not an object")) from error
        if kind in EXTENSIONS:
            yield {f"{key}.{kind}": record for key, record in records.items()}
        elif records:
            faults.add(f"{len(records):,} records under v3.{quoted(kind)} were left out")
    yield from (each for each in (encoded.packages, encoded.packages_conda) if each)


def _by_name(sections: list[_Section], faults: Faults) -> dict[str, list[str]]:
    """Return the file names of each name. Each file name is in one list, and there once."""
    found: dict[str, list[str]] = {}
    refused: set[str] = set()
    for number, section in enumerate(sections):
        for filename, data in section.items():
            if number and _find(sections[:number], filename) is not None:
                continue
            try:
                name = _NAMED.decode(data).name
            except _UNREADABLE:
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
    return found


def _find(sections: list[_Section], filename: str) -> msgspec.Raw | None:
    for section in sections:
        data = section.get(filename)
        if data is not None:
            return data
    return None
