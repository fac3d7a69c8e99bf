"""A channel in memory, with an index that is built as for a publication."""

import io
import json
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pulp_conda.formats import layout
from pulp_conda.formats.index.channeldata import ChannelPackage, DescribedPackage
from pulp_conda.formats.index.context import BuildContext, PreviousIndex
from pulp_conda.formats.index.manifest import MANIFEST, IndexManifest
from pulp_conda.formats.index.merge import PreviousDocument
from pulp_conda.formats.index.new_shards import NewShards
from pulp_conda.formats.index.options import OPTIONAL_DOCUMENTS, V3_DOCUMENTS, IndexOptions
from pulp_conda.formats.index.shards import IndexedPackage, Patch
from pulp_conda.formats.index.subdir import SubdirIndex
from pulp_conda.formats.index.write_channeldata import write_channeldata
from pulp_conda.formats.records import record_text

Record = dict[str, Any]
Documents = dict[str, bytes]
SUBDIR = "linux-64"


def record(name: str, version: str, *depends: str, build: str = "0", **fields: Any) -> Record:
    return {
        "name": name, "version": version, "build": build, "build_number": 0,
        "subdir": SUBDIR, "depends": list(depends), **fields,
    }  # fmt: skip


def filename(of: Record) -> str:
    return f"{of['name']}-{of['version']}-{of['build']}.{extension(of)}"


def extension(of: Record) -> Any:
    return of.get("extension", "conda")


class Channel:
    """A channel with records, which also knows its previous files. Every index has a later time."""

    def __init__(self, *records: Record) -> None:
        self.records = {filename(each): each for each in records}
        self.indexed: dict[str, int] = {}
        self.created = self.now = 1_700_000_000_000

    def of(self, subdir: str, names: Collection[str] | None = None) -> Iterator[IndexedPackage]:
        for file, each in sorted(self.records.items(), key=lambda item: (item[1]["name"], item[0])):
            if names is None or each["name"] in names:
                indexed = self.indexed.setdefault(file, self.now)
                exports = each.get("exports", {})
                yield IndexedPackage(
                    each["name"], file, extension(each), record_text(each).decode(), exports,
                    indexed,
                )  # fmt: skip

    def removed(self, subdir: str, names: Collection[str] | None = None) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for file in sorted(self.indexed.keys() - self.records.keys()):
            name = file.rsplit("-", 2)[0]
            if names is None or name in names:
                found.setdefault(name, []).append(file)
        return found

    def described(self, names: Collection[str] | None = None) -> Iterator[DescribedPackage]:
        for each in sorted(self.records.values(), key=lambda each: (each["name"], filename(each))):
            if names is None or each["name"] in names:
                package = ChannelPackage(SUBDIR, each["version"], each["build_number"])
                yield DescribedPackage(each["name"], filename(each), package)

    def index(
        self,
        folder: Path,
        *,
        previous: Documents | None = None,
        changed: Collection[str] | None = None,
        documents: Collection[str] = OPTIONAL_DOCUMENTS,
        v3_documents: Collection[str] = V3_DOCUMENTS,
        plain_max_bytes: int = 1024**2,
        patch: Patch | None = None,
        shards: dict[str, bytes] | None = None,
        previous_subdir: PreviousIndex | None = None,
    ) -> Documents:
        """Return all documents by path; shards are added to `shards` by name.

        `previous_subdir` is the subdir's part of `previous`, if the caller has decoded it already.
        """
        self.now += 1000
        saved = {} if shards is None else shards
        folder.mkdir()
        context = BuildContext(
            packages=self,
            folder=folder,
            options=IndexOptions(
                frozenset(documents), frozenset(v3_documents), 1024**2, plain_max_bytes
            ),
            created=self.created,
            algorithms=("sha256",),
        )
        subdir = previous_subdir or (previous_index(previous, SUBDIR) if previous else None)
        with closing(NewShards(folder, changed)) as new:
            files = SubdirIndex(context, SUBDIR, new, previous=subdir, patch=patch).build()
            for batch in new.batches():
                saved.update((name, shard.data) for name, shard in batch.items())
        root = previous_index(previous, "") if previous else None
        files |= write_channeldata(context, [SUBDIR], previous=root, changed=changed)
        return {path: file.path.read_bytes() for path, file in files.items()}


def previous_index(documents: Documents, subdir: str) -> PreviousIndex:
    own = {
        layout.split(path)[1]: data
        for path, data in documents.items()
        if layout.split(path)[0] == subdir
    }
    return PreviousIndex(IndexManifest.decode(own[MANIFEST]), partial(_open_document, own))


@contextmanager
def _open_document(documents: Documents, name: str) -> Iterator[PreviousDocument]:
    yield PreviousDocument(io.BytesIO(documents[name]))


def parsed(documents: Documents, name: str) -> Any:
    return json.loads(documents[f"{SUBDIR}/{name}"])
