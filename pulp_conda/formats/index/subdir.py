"""The index of one subdir: every document in it, made from what changed since the one before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from pulp_conda.formats import layout

from . import repodata
from .channeldata import DescribedPackage
from .current_repodata import Records, choose
from .files import TwinWriter, WrittenFile, write_bz2, write_file
from .ledger import Entry, Ledger
from .new_shards import NewShards
from .pieces import PieceStore
from .sections import ORIGINALS, RECORDS, Section
from .shards import Member, Patch, Shard, ShardEncoder, build_shards, encode_shard_index
from .splice import Joining, Source

Files = dict[str, WrittenFile]
"""Files by their path below the channel's URL."""

_RECORDS = (Section.PACKAGES, Section.PACKAGES_CONDA)
_CURRENT = (Section.CURRENT_PACKAGES, Section.CURRENT_PACKAGES_CONDA)


class Packages(Protocol):
    """The packages of a channel, all of them without patches, and the files that it once had."""

    def of(self, subdir: str, names: Collection[str] | None = None) -> Iterator[Member]:
        """Yield the packages of a subdir, or of some names in it, by name and file name."""

    def removed(self, subdir: str, names: Collection[str] | None = None) -> dict[str, list[str]]:
        """Return by name the files that the channel once had and has no more."""

    def described(self, names: Collection[str] | None = None) -> Iterator[DescribedPackage]:
        """Yield all packages of the channel, or those of some names, by name."""


@dataclass(frozen=True)
class Before:
    """A subdir as the publication before had it."""

    ledger: Ledger
    source: Callable[[str], AbstractContextManager[Source]]
    """Opens a document by its file name; what is read is known to be whole when it closes."""


@dataclass(frozen=True)
class Making:
    """What a publication asks of each of its subdirs."""

    packages: Packages
    folder: Path
    documents: Collection[str]
    """Which of `layout.OPTIONAL_DOCUMENTS` there are to be."""
    v3_documents: Collection[str]
    """Which of `layout.V3_DOCUMENTS` hold records of schema version 3."""
    bz2_max_bytes: int
    created: int
    """When the channel came into being, in milliseconds since the epoch."""
    algorithms: Sequence[str]
    """The digests that files are stored by, `sha256` among them."""


class SubdirIndex:
    """Makes the documents of a subdir.

    Without `before` all names count as changed. Equal packages with equal times of indexing give
    equal bytes, whatever was there before.
    """

    def __init__(
        self,
        making: Making,
        subdir: str,
        *,
        before: Before | None = None,
        changed: Collection[str] | None = None,
        patch: Patch | None = None,
        shards: NewShards,
    ) -> None:
        self._making = making
        self._subdir = subdir
        self._before = before
        self._earlier = before.ledger if before else Ledger()
        self._changed = changed
        self._patch = patch
        self._shards = shards
        shards.changed = changed
        self._packages = making.packages
        self._folder = making.folder / subdir
        self._files: Files = {}
        self._twins: dict[str, WrittenFile] = {}
        """Compressed by bz2, by the digest of what they unpack to."""

    def write(self) -> Files:
        """Write all documents, set the shards aside, and return the files."""
        self._folder.mkdir()
        with closing(PieceStore(self._folder)) as store:
            ledger = self._take_stock(store)
            changed = set(ledger.entries) if self._changed is None else set(self._changed)
            rechosen = self._choose(ledger, store) if self._wants("current_repodata") else set()
            self._write_documents(ledger, store, changed, changed | rechosen)
        if self._wants("shards"):
            self._put(layout.REPODATA_SHARDS, self._shard_index(ledger))
        self._put(layout.LEDGER, ledger.encode())
        return self._files

    def _wants(self, document: str) -> bool:
        return document in self._making.documents

    def _take_stock(self, store: PieceStore) -> Ledger:
        """Set the pieces of changed names aside and return the ledger with their entries."""
        removed = self._packages.removed(self._subdir, self._changed)
        encoder = ShardEncoder()
        entries: dict[str, Entry] = {}
        for shard in build_shards(self._packages.of(self._subdir, self._changed), self._patch):
            for section, pieces in shard.pieces.items():
                store.add(section, shard.name, pieces)
            files = removed.pop(shard.name, [])
            entries[shard.name] = self._entry(shard, files, store, encoder)
        entries |= {name: Entry(name, removed=files) for name, files in removed.items()}
        return self._earlier.updated(self._changed or (), entries.values())

    def _entry(
        self, shard: Shard, removed: list[str], store: PieceStore, encoder: ShardEncoder
    ) -> Entry:
        """Return the entry of a name whose pieces are in the store, and set its shard aside."""
        entry = Entry(
            shard.name,
            sizes={
                int(section): store.spans(section)[shard.name].size
                for section in sorted(shard.pieces)
            },
            removed=removed,
            dropped=shard.dropped,
            newest=shard.newest,
            revision=shard.revision,
            original_revision=shard.original_revision,
        )
        if not self._has_shard(entry):
            return entry
        removed_files = sorted([*removed, *shard.dropped])
        encoded = encoder.encode(shard, removed_files, v3=self._has_v3("shards"))
        self._shards.add(shard.name, encoded)
        return msgspec.structs.replace(entry, digest=encoded.digest)

    def _has_shard(self, entry: Entry) -> bool:
        if not self._has_v3("shards"):
            return self._wants("shards") and (entry.is_classic or bool(entry.dropped))
        return self._wants("shards") and not entry.is_empty

    def _has_v3(self, document: str) -> bool:
        return document in self._making.v3_documents

    def _choose(self, ledger: Ledger, store: PieceStore) -> set[str]:
        """Choose what is current and set the pieces of names aside whose choice is another.

        Returns:
            Those names.
        """
        names = [name for name, entry in ledger.entries.items() if entry.is_classic]
        earlier = {name: choice for name in names if (choice := ledger.entries[name].choice)}
        records = self._records_of(store)
        rechosen = set()
        for name, choice in choose(names, earlier, records).items():
            before = ledger.entries[name].choice
            ledger.choose(name, choice)
            if before is None or before.kept != choice.kept:
                rechosen.add(name)
                for section, pieces in zip(_CURRENT, choice.of(records(name)), strict=True):
                    store.add(section, name, pieces)
        return rechosen

    def _records_of(self, store: PieceStore) -> Callable[[str], Records]:
        """Return what finds the records of a name, among new pieces or in the database."""
        loaded: dict[str, Records] = {}

        def records(name: str) -> Records:
            if self._changed is None or name in self._changed:
                return Records(*(store.pieces(section, name) for section in _RECORDS))
            if name not in loaded:
                members = self._packages.of(self._subdir, [name])
                (shard,) = build_shards(members, self._patch)
                found = (shard.pieces.get(section, []) for section in _RECORDS)
                loaded[name] = Records(*([piece.encode() for piece in each] for each in found))
            return loaded[name]

        return records

    def _write_documents(
        self, ledger: Ledger, store: PieceStore, changed: set[str], rechosen: set[str]
    ) -> None:
        write = partial(self._write_document, Joining(self._earlier, ledger, store))
        removed = sorted(ledger.removed + ledger.dropped)
        has_v3 = self._has_v3("repodata")
        revision = ledger.revision if has_v3 else None
        full = repodata.repodata(self._subdir, RECORDS, removed, revision)
        write(layout.REPODATA, full, changed)
        if self._wants("current_repodata"):
            current = repodata.current_repodata(self._subdir, removed)
            write(layout.CURRENT_REPODATA, current, rechosen)
        if self._patch:
            revision = ledger.original_revision if has_v3 else None
            original = repodata.repodata(self._subdir, ORIGINALS, ledger.removed, revision)
            write(layout.REPODATA_FROM_PACKAGES, original, changed)
        if self._wants("run_exports"):
            write(layout.RUN_EXPORTS_JSON, repodata.run_exports(self._subdir), changed)

    def _write_document(
        self, joining: Joining, name: str, parts: list[repodata.Part], changed: set[str]
    ) -> None:
        """Write a document and its twins."""
        path, twin_path = self._folder / name, self._folder / f"{name}{layout.ZST}"
        algorithms = self._making.algorithms
        plan = joining.plan(parts, changed)
        with ExitStack() as stack:
            source = stack.enter_context(self._before.source(name)) if self._before else None
            twin = stack.enter_context(TwinWriter(path, twin_path, algorithms, plan.size))
            joining.write(plan, twin, source)
        self._files[f"{self._subdir}/{name}"] = twin.plain
        self._files[f"{self._subdir}/{name}{layout.ZST}"] = twin.zst
        if self._has_bz2(name) and twin.plain.size <= self._making.bz2_max_bytes:
            # Where nothing is left out of the current document it is the full one, and a tenth of a
            # second a megabyte is worth a look.
            same = self._twins.get(twin.plain.digests["sha256"])
            bz2 = same or write_bz2(path, self._folder / f"{name}{layout.BZ2}", algorithms)
            self._twins[twin.plain.digests["sha256"]] = bz2
            self._files[f"{self._subdir}/{name}{layout.BZ2}"] = bz2

    def _has_bz2(self, name: str) -> bool:
        return self._wants("bz2") and name != layout.RUN_EXPORTS_JSON

    def _shard_index(self, ledger: Ledger) -> bytes:
        # The newest file's time: that of the version which brought it, and a fact of the content.
        created = max(ledger.newest, self._making.created)
        info = repodata.revisions(ledger.revision if self._has_v3("shards") else None)
        return encode_shard_index(self._subdir, ledger.shards, created, info)

    def _put(self, name: str, data: bytes) -> None:
        written = write_file(self._folder / name, data, self._making.algorithms)
        self._files[f"{self._subdir}/{name}"] = written
