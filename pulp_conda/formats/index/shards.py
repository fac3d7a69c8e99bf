"""Shards: all records of one package name in one subdir (CEP 16)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple, Self

import msgspec

from pulp_conda.formats.compression import FrameEncoder
from pulp_conda.formats.identifiers import Extension
from pulp_conda.formats.records import Record, is_v3, record_text
from pulp_conda.formats.run_exports import RunExports
from pulp_conda.formats.v3 import v3_record

from .sections import ORIGINALS, RECORDS, Section

ZSTD_LEVEL: Final = 3
"""On real shards level 9 is 3.5 % smaller in 4 times the time, level 19 5.4 % in 100 times."""

_INDEX_ZSTD_LEVEL: Final = 1
"""The index of shards is mostly digests, which no level compresses."""

_INDEXED_TIMESTAMP: Final = "indexed_timestamp"
_DIGEST_CHARACTERS: Final = {"md5": 32, "sha256": 64}
_V3: Final = "v3"
_CLASSIC_MAP: Final = {"tar.bz2": "packages", "conda": "packages.conda"}
_RUN_EXPORTS: Final = {"tar.bz2": Section.RUN_EXPORTS, "conda": Section.RUN_EXPORTS_CONDA}


class IndexedPackage(NamedTuple):
    """A package as an index reads it, without patches."""

    name: str
    filename: str
    extension: Extension
    record_json: str
    """The record in its canonical form."""
    run_exports: RunExports | None
    """None if they are unknown: the package was mirrored from a channel that does not say."""
    indexed: int | None
    """When an index of the channel first named the file, in milliseconds since the epoch."""


class Patched(NamedTuple):
    """A package under patches."""

    record: Record
    run_exports: RunExports | None


Patch = Callable[[str, Record, RunExports | None], Patched | None]
"""Takes a file name, a record and its run exports; returns None if the file is removed.

A record that no patch changes is returned itself.
"""


class Revision(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A summary of records under `v3`: their number and times of indexing (CEP 48)."""

    packages: int
    oldest: int | None
    newest: int | None

    def __add__(self, other: Revision) -> Revision:
        """Return the summary of both."""
        times = [time for one in (self, other) for time in (one.oldest, one.newest) if time]
        return Revision(
            self.packages + other.packages, min(times, default=None), max(times, default=None)
        )


@dataclass(slots=True)
class Shard:
    """The records of one name, in every form that documents need."""

    name: str
    fragments: dict[Section, list[str]] = field(default_factory=dict)
    """By section: texts `"file name":value`, without commas around them."""
    maps: dict[str, Any] = field(default_factory=dict)
    """The content of the shard."""
    dropped: list[str] = field(default_factory=list)
    """The files that a patch removes."""
    newest: int = 0
    """The latest `indexed_timestamp` of its files, in milliseconds."""
    revision: Revision | None = None
    """Its records under `v3`, None without any."""
    original_revision: Revision | None = None
    """Its records under `v3` before patches."""

    def add(self, section: Section, key: str, value: str) -> None:
        """Add a fragment to a section."""
        # No character that a file name may have is escaped in JSON.
        self.fragments.setdefault(section, []).append(f'"{key}":{value}')


def build_shards(packages: Iterable[IndexedPackage], patch: Patch | None = None) -> Iterator[Shard]:
    """Group packages into shards; they must come in the order of names and file names.

    Memory holds one shard at a time. With a patch, each record is also kept without it.
    """
    for name, group in groupby(packages, key=attrgetter("name")):
        shard = Shard(name, maps={"packages": {}, "packages.conda": {}})
        for package in group:
            _add(shard, package, patch)
        yield shard


def _add(shard: Shard, package: IndexedPackage, patch: Patch | None) -> None:
    record: Record = msgspec.json.decode(package.record_json)
    record_json, run_exports = package.record_json, package.run_exports
    if record.pop(_INDEXED_TIMESTAMP, None) is not None:
        # The record comes from another channel, and this is the time of that one.
        record_json = record_text(record).decode()
    if patch is not None:
        original = _ServedRecord.of(package, record, record_json)
        shard.add(
            ORIGINALS.section_of(package.extension, v3=original.v3), original.key, original.json
        )
        if original.v3:
            shard.original_revision = _with(shard.original_revision, package.indexed)
        patched = patch(package.filename, record, run_exports)
        if patched is None:
            shard.dropped.append(package.filename)
            return
        if patched.record is not record:
            record_json = record_text(patched.record).decode()
        record, run_exports = patched
    served = _ServedRecord.of(package, record, record_json)
    shard.add(RECORDS.section_of(package.extension, v3=served.v3), served.key, served.json)
    if run_exports is not None:
        shard.add(_RUN_EXPORTS[package.extension], package.filename, _exports_json(run_exports))
    shard.newest = max(shard.newest, package.indexed or 0)
    if served.v3:
        shard.revision = _with(shard.revision, package.indexed)
        records = shard.maps.setdefault(_V3, {"conda": {}, "tar.bz2": {}})[package.extension]
    else:
        records = shard.maps[_CLASSIC_MAP[package.extension]]
    records[served.key] = _binary(served.record, run_exports, package.indexed)


def _with(revision: Revision | None, indexed: int | None) -> Revision:
    one = Revision(1, indexed, indexed)
    return revision + one if revision else one


class _ServedRecord(NamedTuple):
    """A record in the form in which clients get it, and its key."""

    record: Record
    json: str
    key: str
    v3: bool

    @classmethod
    def of(cls, package: IndexedPackage, record: Record, record_json: str) -> Self:
        v3 = is_v3(record)
        key = package.filename
        if v3:
            record = v3_record(record)
            record_json = record_text(record).decode()
            key = key.removesuffix(f".{package.extension}")
        if package.indexed is not None:
            # Inserted into the text: serialising the record again would take longer than the rest.
            record_json = f'{record_json[:-1]},"{_INDEXED_TIMESTAMP}":{package.indexed}}}'
        return cls(record, record_json, key, v3)


def _exports_json(run_exports: RunExports) -> str:
    if not run_exports:
        return '{"run_exports":{}}'
    return record_text({"run_exports": run_exports}).decode()


def _binary(record: Record, run_exports: RunExports | None, indexed: int | None) -> Record:
    """Return a record in the form of shards: digests as bytes, run exports in it (CEP 16, 21).

    A record without run exports says that they are unknown, and clients then look into the package.
    """
    for kind, characters in _DIGEST_CHARACTERS.items():
        digest = record.get(kind)
        if isinstance(digest, str) and len(digest) == characters:
            with suppress(ValueError):  # an old record may have any text here
                record[kind] = bytes.fromhex(digest)
    if indexed is not None:
        record[_INDEXED_TIMESTAMP] = indexed
    if run_exports is not None:
        record["run_exports"] = run_exports
    return record


class ShardBytes(NamedTuple):
    """The bytes of a shard."""

    digest: bytes
    """SHA-256 of `data`: the name of the shard in URLs."""
    data: bytes


class ShardEncoder:
    """Encodes shards; equal records give equal bytes."""

    def __init__(self) -> None:
        self._compressor = FrameEncoder(ZSTD_LEVEL)
        self._encoder = msgspec.msgpack.Encoder()

    def encode(self, shard: Shard, removed: Iterable[str], *, v3: bool = True) -> ShardBytes:
        """Return the bytes of a shard; `removed` are the files that it lists as removed.

        Without `v3` it has no records of schema version 3.
        """
        maps: Mapping[str, Any] = shard.maps
        if not v3:
            maps = {key: records for key, records in maps.items() if key != _V3}
        if names := list(removed):
            maps = {**maps, "removed": names}
        data = self._compressor.encode(self._encoder.encode(maps))
        return ShardBytes(hashlib.sha256(data).digest(), data)


def encode_shard_index(
    subdir: str, shards: Mapping[str, bytes], created: int, info: Mapping[str, Any]
) -> bytes:
    """Return `repodata_shards.msgpack.zst`: the digest of each name's shard (CEP 16).

    `created` is in milliseconds since the epoch; `info` are more fields of the object `info`.
    """
    created_at = datetime.fromtimestamp(created // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {"subdir": subdir, "base_url": "", "shards_base_url": "./shards/"}
    document = {
        "version": 1,
        "info": {**said, "created_at": created_at, **info},
        "shards": shards,
    }
    return FrameEncoder(_INDEX_ZSTD_LEVEL).encode(msgspec.msgpack.encode(document))
