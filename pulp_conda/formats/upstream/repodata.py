"""The text of `repodata.json` and `run_exports.json`, cut into those of their entries.

A text of 2 GiB may have 200 million entries, each of which takes 200 bytes of memory. So the braces
are counted first, and every entry has to have them.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from pulp_conda.formats.errors import TrustedText

from .errors import UNREADABLE, UnusableDocument
from .limits import UpstreamLimits

Text = bytes | mmap.mmap

REPODATA: Final = TrustedText("repodata.json")
RUN_EXPORTS: Final = TrustedText("run_exports.json")

_COUNTED_BYTES: Final = 1024**2
_NULL: Final = msgspec.Raw(b"null")
_LONGEST_NAME: Final = 400
"""Bytes of a name in JSON, all of whose characters may be escaped."""

_Value = TypeVar("_Value")


class Info(msgspec.Struct):
    """The object `info` of a document."""

    subdir: str | None = None
    base_url: str | None = None


class _Named(msgspec.Struct, gc=False):
    name: msgspec.Raw = _NULL


class _Exporting(msgspec.Struct, gc=False):
    run_exports: msgspec.Raw = _NULL


class _V3(msgspec.Struct, Generic[_Value]):
    conda: dict[str, _Value] = {}
    tar_bz2: dict[str, _Value] = msgspec.field(name="tar.bz2", default_factory=dict)
    whl: dict[str, _Value] = {}


class _Document(msgspec.Struct, Generic[_Value]):
    info: Info | None = None
    packages: dict[str, _Value] | None = None
    packages_conda: dict[str, _Value] | None = msgspec.field(name="packages.conda", default=None)
    v3: _V3[_Value] | None = None

    def maps(self) -> Iterator[tuple[str, Mapping[str, _Value]]]:
        """Yield the maps, and what is missing at the end of their keys, to be file names.

        Those of `v3` come first. Wheels are not among them.
        """
        if self.v3:
            yield ".conda", self.v3.conda
            yield ".tar.bz2", self.v3.tar_bz2
        yield "", self.packages or {}
        yield "", self.packages_conda or {}


_NAMES: Final = msgspec.json.Decoder(_Document[_Named])
_RECORDS: Final = msgspec.json.Decoder(_Document[msgspec.Raw])
_EXPORTS: Final = msgspec.json.Decoder(_Document[_Exporting])
_NAME: Final = msgspec.json.Decoder(str)


class Section(NamedTuple):
    """A map of records by file name."""

    records: Mapping[str, msgspec.Raw]
    names: list[str | None]
    """The names that the records state, in their order; None for what is not a text."""


class Repodata(NamedTuple):
    """`repodata.json`, cut into its records. Of two records of a file, the first counts."""

    info: Info
    sections: list[Section]
    wheels: int
    """The number of records of wheels, which are not among the others."""


def decode_repodata(text: Text, limits: UpstreamLimits) -> Repodata:
    """Return what is in `repodata.json`. Raises UnusableDocument."""
    check_size(text, REPODATA, limits)
    document = _decoded(_NAMES, text, REPODATA)
    if document.packages is None and document.packages_conda is None and document.v3 is None:
        raise UnusableDocument(REPODATA, TrustedText("it has no packages, not even an empty map"))
    known: dict[bytes, str | None] = {}
    names = [[_name(each, known) for each in map_.values()] for _, map_ in document.maps()]
    info, wheels = document.info or Info(), len(document.v3.whl) if document.v3 else 0
    # The names and the records are read one after the other, to be never all in memory.
    del document
    maps = _decoded(_RECORDS, text, REPODATA).maps()
    sections = [
        Section({f"{key}{ending}": data for key, data in map_.items()} if ending else map_, found)
        for (ending, map_), found in zip(maps, names, strict=True)
    ]
    return Repodata(info, sections, wheels)


def decode_exports(text: Text, limits: UpstreamLimits) -> list[Mapping[str, msgspec.Raw]]:
    """Return the run exports in `run_exports.json` by file name. Raises UnusableDocument."""
    check_size(text, RUN_EXPORTS, limits)
    known: dict[bytes, msgspec.Raw] = {}  # most packages have none, and many the same ones
    return [
        {f"{key}{ending}": _copied(entry.run_exports, known) for key, entry in map_.items()}
        for ending, map_ in _decoded(_EXPORTS, text, RUN_EXPORTS).maps()
    ]


def _copied(data: msgspec.Raw, known: dict[bytes, msgspec.Raw]) -> msgspec.Raw:
    """Return a text that keeps nothing else in memory; `known` are those of other entries."""
    text = bytes(data)
    return known.setdefault(text, msgspec.Raw(text))


def check_size(text: Text, document: TrustedText, limits: UpstreamLimits) -> None:
    """Raise UnusableDocument if a text is so large, or has so many objects."""
    if len(text) > limits.document_bytes:
        raise UnusableDocument(document, _more_than(limits.document_bytes, "bytes"))
    objects = sum(
        text[start : start + _COUNTED_BYTES].count(b"{")
        for start in range(0, len(text), _COUNTED_BYTES)
    )
    if objects > limits.document_objects:
        raise UnusableDocument(document, _more_than(limits.document_objects, "objects"))


def _decoded(decoder: msgspec.json.Decoder[_Value], text: Text, document: TrustedText) -> _Value:
    try:
        return decoder.decode(text)
    except UNREADABLE as error:
        raise UnusableDocument(document, TrustedText(f"it cannot be read ({error})")) from error


def _name(entry: _Named, known: dict[bytes, str | None]) -> str | None:
    """Return the name of a record; `known` are names by their texts."""
    if memoryview(entry.name).nbytes > _LONGEST_NAME:
        return None
    text = bytes(entry.name)
    try:
        return known[text]
    except KeyError:
        pass
    try:
        name: str | None = _NAME.decode(text)
    except UNREADABLE:
        name = None
    known[text] = name
    return name


def _more_than(most: int, what: str) -> TrustedText:
    return TrustedText(f"it has more than {most:,} {what}")
