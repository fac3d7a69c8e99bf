"""Build the index of one subdir from the previous one and the packages of changed names."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from operator import itemgetter

from pulp_conda.formats import layout

from . import repodata
from .context import BuildContext, Files, PreviousIndex
from .files import WrittenFile, write_bz2, write_file
from .fragments import FragmentStore
from .garbage import collector_paused
from .manifest import MANIFEST, IndexManifest
from .merge import DocumentMerger
from .name_records import NameRecords
from .new_shards import NewShards
from .parts import NameEntry, Summary
from .sections import CURRENT, ORIGINALS, RECORDS
from .selection import choose
from .shards import Patch, Shard, ShardEncoder, build_shards, encode_shard_index
from .update import ManifestUpdate
from .variants import write_document


class SubdirIndex:
    """Builds the documents and shards of a subdir.

    The names to build are those of `shards.changed`; without a previous index that must be None,
    for all names. The same packages with the same `indexed_timestamp` give the same bytes, whatever
    the previous index was.
    """

    def __init__(
        self,
        context: BuildContext,
        subdir: str,
        shards: NewShards,
        *,
        previous: PreviousIndex | None = None,
        patch: Patch | None = None,
    ) -> None:
        self._context = context
        self._subdir = subdir
        self._shards = shards
        self._previous = previous
        self._previous_manifest = previous.manifest if previous else IndexManifest()
        self._changed = shards.changed
        self._patch = patch
        self._packages = context.packages
        self._folder = context.folder / subdir
        self._files: Files = {}
        self._bz2: dict[str, WrittenFile] = {}
        """The bz2 variants, by the digest of the other one."""

    def build(self) -> Files:
        """Write all documents, add the shards of changed names, and return the files."""
        self._folder.mkdir()
        with collector_paused(), closing(FragmentStore(self._folder)) as store:
            update, changed = self._index_changed_names(store)
            rechosen = set()
            if self._has("current_repodata"):
                rechosen = self._choose(update, store, changed)
            summary = update.summary()
            self._write_documents(DocumentMerger(update, store), summary, changed, rechosen)
        if self._has("shards"):
            self._write(layout.REPODATA_SHARDS, self._shard_index(update, summary))
        self._write(MANIFEST, update.manifest().encode())
        return self._files

    def _has(self, document: str) -> bool:
        return document in self._context.options.documents

    def _has_v3(self, document: str) -> bool:
        return document in self._context.options.v3_documents

    def _index_changed_names(self, store: FragmentStore) -> tuple[ManifestUpdate, set[str]]:
        """Store the fragments and shards of changed names, and return their entries and names."""
        removed = self._packages.removed(self._subdir, self._changed)
        encoder = ShardEncoder()
        entries: dict[str, NameEntry] = {}
        digests: dict[str, bytes] = {}
        for shard in build_shards(self._packages.of(self._subdir, self._changed), self._patch):
            for section, fragments in shard.fragments.items():
                store.add(section, shard.name, fragments)
            files = removed.pop(shard.name, [])
            entry = entries[shard.name] = _entry(shard, files, store)
            if self._has_shard(entry):
                files = sorted([*files, *shard.dropped])
                encoded = encoder.encode(shard, files, v3=self._has_v3("shards"))
                self._shards.add(shard.name, encoded)
                digests[shard.name] = encoded.digest
        entries |= {name: NameEntry(name, removed=tuple(files)) for name, files in removed.items()}
        changed = set(entries if self._changed is None else self._changed)
        return ManifestUpdate(self._previous_manifest, changed, entries, digests), changed

    def _has_shard(self, entry: NameEntry) -> bool:
        if not self._has_v3("shards"):
            return self._has("shards") and (entry.is_classic or bool(entry.dropped))
        return self._has("shards") and not entry.is_empty

    def _choose(self, update: ManifestUpdate, store: FragmentStore, changed: set[str]) -> set[str]:
        """Choose the current records, and store the fragments of names whose choice changed.

        Returns:
            These names.
        """
        records = NameRecords(self._packages, self._subdir, self._patch, store, changed)
        entries = {name: update.entry(name) for name in changed}
        present = {name: bool(entry and entry.is_classic) for name, entry in entries.items()}
        previous = self._previous_manifest
        selection = choose(previous, present, records.of)
        update.absent = selection.absent
        rechosen = set()
        for name, choice in selection.choices.items():
            before = None if name in changed else previous.choice(name)
            if before is None or before.kept != choice.kept:
                rechosen.add(name)
        records.load(rechosen)
        for name, choice in sorted(selection.choices.items(), key=itemgetter(0)):
            sizes = {}
            if name in rechosen:
                for section, texts in zip(CURRENT, choice.of(records.of(name)), strict=True):
                    store.add(section, name, texts)
                    sizes[section] = store.size(section, name)
            update.choose(name, choice, sizes)
        return rechosen

    def _write_documents(
        self, merger: DocumentMerger, summary: Summary, changed: set[str], rechosen: set[str]
    ) -> None:
        write = partial(self._write_document, merger)
        removed = sorted(summary.removed + summary.dropped)
        has_v3 = self._has_v3("repodata")
        revision = summary.revision if has_v3 else None
        full = repodata.repodata(self._subdir, RECORDS, removed, revision)
        write(layout.REPODATA, full, changed)
        if self._has("current_repodata"):
            current = repodata.current_repodata(self._subdir, removed)
            write(layout.CURRENT_REPODATA, current, changed | rechosen)
        if self._patch:
            revision = summary.original_revision if has_v3 else None
            original = repodata.repodata(self._subdir, ORIGINALS, sorted(summary.removed), revision)
            write(layout.REPODATA_FROM_PACKAGES, original, changed)
        if self._has("run_exports"):
            write(layout.RUN_EXPORTS_JSON, repodata.run_exports(self._subdir), changed)

    def _write_document(
        self,
        merger: DocumentMerger,
        name: str,
        elements: list[repodata.Element],
        changed: set[str],
    ) -> None:
        """Write a document in all its variants."""
        written = write_document(
            self._context,
            self._folder / name,
            merger,
            elements,
            changed=changed,
            previous=self._previous,
        )
        path = f"{self._subdir}/{name}"
        self._files[f"{path}{layout.ZST}"] = written.zst
        if written.plain:
            self._files[path] = written.plain
        if self._has_bz2(name) and written.size <= self._context.options.bz2_max_bytes:
            self._files[f"{path}{layout.BZ2}"] = self._bz2_variant(written.zst)

    def _has_bz2(self, name: str) -> bool:
        return self._has("bz2") and name != layout.RUN_EXPORTS_JSON

    def _bz2_variant(self, zst: WrittenFile) -> WrittenFile:
        # current_repodata.json often equals repodata.json, and bz2 takes 100 ms for a megabyte.
        digest = zst.digests["sha256"]
        if digest not in self._bz2:
            path = zst.path.with_suffix(layout.BZ2)
            self._bz2[digest] = write_bz2(zst.path, path, self._context.algorithms)
        return self._bz2[digest]

    def _shard_index(self, update: ManifestUpdate, summary: Summary) -> bytes:
        # The time of the newest file, and not the clock's: it depends on the packages alone.
        created = max(summary.newest, self._context.created)
        info = repodata.revisions(summary.revision if self._has_v3("shards") else None)
        return encode_shard_index(self._subdir, update.shards(), created, info)

    def _write(self, name: str, data: bytes) -> None:
        written = write_file(self._folder / name, data, self._context.algorithms)
        self._files[f"{self._subdir}/{name}"] = written


def _entry(shard: Shard, removed: list[str], store: FragmentStore) -> NameEntry:
    """Return the entry of a name whose fragments are in the store."""
    return NameEntry(
        shard.name,
        sizes={int(each): store.size(each, shard.name) for each in sorted(shard.fragments)},
        removed=tuple(removed),
        dropped=tuple(shard.dropped),
        newest=shard.newest,
        revision=shard.revision,
        original_revision=shard.original_revision,
    )
