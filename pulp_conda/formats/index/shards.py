"""Shards: all records of one package name in one subdir, the piece that an index is made of."""

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
import zstandard

from pulp_conda.formats.identifiers import Extension
from pulp_conda.formats.records import Record, canonical_json, is_v3
from pulp_conda.formats.run_exports import RunExports
from pulp_conda.formats.v3 import v3_record

from .sections import ORIGINALS, RECORDS, Section

ZSTD_LEVEL: Final = 3
"""On real shards level 9 gives 3.5 % less for four times the time, level 19 5.4 % for a hundred."""

_INDEXED: Final = "indexed_timestamp"
_DIGEST_CHARACTERS: Final = {"md5": 32, "sha256": 64}
_V3: Final = "v3"
_CLASSIC_MAP: Final = {"tar.bz2": "packages", "conda": "packages.conda"}
_RUN_EXPORTS: Final = {"tar.bz2": Section.RUN_EXPORTS, "conda": Section.RUN_EXPORTS_CONDA}


class Member(NamedTuple):
    """A package as it goes into its shard."""

    name: str
    filename: str
    extension: Extension
    record_json: str
    """Its canonical record."""
    run_exports: RunExports
    indexed: int | None
    """When this channel first named the file, in milliseconds since the epoch."""


class Patched(NamedTuple):
    """What patches make of a package."""

    record: Record
    run_exports: RunExports


Patch = Callable[[str, Record, RunExports], Patched | None]
"""Takes a file name, a record and its run exports; returns None for what is to be left out.

A record that it does not change is returned itself.
"""


class Revision(msgspec.Struct, array_like=True, frozen=True):
    """How much there is under `v3`, and when it was first indexed (CEP 48)."""

    packages: int
    oldest: int | None
    newest: int | None

    def __add__(self, other: Revision) -> Revision:
        """Return what both hold together."""
        times = [time for one in (self, other) for time in (one.oldest, one.newest) if time]
        return Revision(
            self.packages + other.packages, min(times, default=None), max(times, default=None)
        )


@dataclass(slots=True)
class Shard:
    """The records of one name, in every form that documents are joined from."""

    name: str
    pieces: dict[Section, list[str]] = field(default_factory=dict)
    """`"file name":value`, without a comma on either side."""
    maps: dict[str, Any] = field(default_factory=dict)
    """The shard as clients read it."""
    dropped: list[str] = field(default_factory=list)
    """File names that a patch took out."""
    newest: int = 0
    """The latest time at which one of its files was first indexed, in milliseconds."""
    revision: Revision | None = None
    """What it holds under `v3`, if anything."""
    original_revision: Revision | None = None
    """What it would hold there without patches."""

    def add(self, section: Section, key: str, value: str) -> None:
        """Add a piece."""
        # A file name's grammar leaves nothing in it that JSON would escape.
        self.pieces.setdefault(section, []).append(f'"{key}":{value}')


def build_shards(members: Iterable[Member], patch: Patch | None = None) -> Iterator[Shard]:
    """Group members, which come ordered by name and then by file name, into shards.

    Holds one shard at a time. With a patch, the records are also kept as the packages have them.
    """
    for name, group in groupby(members, key=attrgetter("name")):
        shard = Shard(name, maps={"packages": {}, "packages.conda": {}})
        for member in group:
            _add(shard, member, patch)
        yield shard


def _add(shard: Shard, member: Member, patch: Patch | None) -> None:
    record: Record = msgspec.json.decode(member.record_json)
    record_json, run_exports = member.record_json, member.run_exports
    if record.pop(_INDEXED, None) is not None:
        # Another channel's record says when that channel first named the file.
        record_json = canonical_json(record).decode()
    if patch is not None:
        original = _Served.of(member, record, record_json)
        shard.add(ORIGINALS.holding(member.extension, v3=original.v3), original.key, original.json)
        if original.v3:
            shard.original_revision = _with(shard.original_revision, member.indexed)
        patched = patch(member.filename, record, run_exports)
        if patched is None:
            shard.dropped.append(member.filename)
            return
        if patched.record is not record:
            record_json = canonical_json(patched.record).decode()
        record, run_exports = patched
    served = _Served.of(member, record, record_json)
    shard.add(RECORDS.holding(member.extension, v3=served.v3), served.key, served.json)
    shard.add(_RUN_EXPORTS[member.extension], member.filename, _exports_json(run_exports))
    shard.newest = max(shard.newest, member.indexed or 0)
    if served.v3:
        shard.revision = _with(shard.revision, member.indexed)
        place = shard.maps.setdefault(_V3, {"conda": {}, "tar.bz2": {}})[member.extension]
    else:
        place = shard.maps[_CLASSIC_MAP[member.extension]]
    place[served.key] = _binary(served.record, run_exports, member.indexed)


def _with(revision: Revision | None, indexed: int | None) -> Revision:
    one = Revision(1, indexed, indexed)
    return revision + one if revision else one


class _Served(NamedTuple):
    """A record in the form and under the key that clients find it by."""

    record: Record
    json: str
    key: str
    v3: bool

    @classmethod
    def of(cls, member: Member, record: Record, record_json: str) -> Self:
        v3 = is_v3(record)
        key = member.filename
        if v3:
            record = v3_record(record)
            record_json = canonical_json(record).decode()
            key = key.removesuffix(f".{member.extension}")
        if member.indexed is not None:
            # Serialising a record again would cost more than everything else about it.
            record_json = f'{record_json[:-1]},"{_INDEXED}":{member.indexed}}}'
        return cls(record, record_json, key, v3)


def _exports_json(run_exports: RunExports) -> str:
    if not run_exports:
        return '{"run_exports":{}}'
    return canonical_json({"run_exports": run_exports}).decode()


def _binary(record: Record, run_exports: RunExports, indexed: int | None) -> Record:
    """Return a record as shards hold it: digests as bytes, with its run exports (CEP 16, 21)."""
    for kind, characters in _DIGEST_CHARACTERS.items():
        digest = record.get(kind)
        if isinstance(digest, str) and len(digest) == characters:
            with suppress(ValueError):  # an old record may hold anything
                record[kind] = bytes.fromhex(digest)
    if indexed is not None:
        record[_INDEXED] = indexed
    record["run_exports"] = run_exports
    return record


class ShardBytes(NamedTuple):
    """A shard as it is served."""

    digest: bytes
    """SHA-256 of `data`, which the shard is called by."""
    data: bytes


class ShardEncoder:
    """Makes the bytes of shards; equal records give equal bytes."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
        self._encoder = msgspec.msgpack.Encoder()

    def encode(self, shard: Shard, removed: Iterable[str], *, v3: bool = True) -> ShardBytes:
        """Return a shard's bytes; `removed` are the names of files that the channel once had.

        Without `v3` it holds the records that every client reads, and no others.
        """
        maps: Mapping[str, Any] = shard.maps
        if not v3:
            maps = {key: records for key, records in maps.items() if key != _V3}
        if names := list(removed):
            maps = {**maps, "removed": names}
        data = self._compressor.compress(self._encoder.encode(maps))
        return ShardBytes(hashlib.sha256(data).digest(), data)


def encode_shard_index(
    subdir: str, shards: Mapping[str, bytes], created: int, info: Mapping[str, Any]
) -> bytes:
    """Return `repodata_shards.msgpack.zst`: the digest of each name's shard (CEP 16).

    `created` is in milliseconds since the epoch; `info` adds to what the index says of itself.
    """
    created_at = datetime.fromtimestamp(created // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {"subdir": subdir, "base_url": "", "shards_base_url": "./shards/"}
    document = {
        "version": 1,
        "info": {**said, "created_at": created_at, **info},
        "shards": shards,
    }
    compressor = zstandard.ZstdCompressor(level=1, write_checksum=True)
    return compressor.compress(msgspec.msgpack.encode(document))
