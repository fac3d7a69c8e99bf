"""The index of a version: made whole, then made visible by one switch."""

import gc
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from pulpcore.plugin.models import ProgressReport, RepositoryVersion

from pulp_conda.app.models import CondaPublication, CondaRepository
from pulp_conda.formats import layout
from pulp_conda.formats.index.channel import write_channeldata
from pulp_conda.formats.index.new_shards import NewShards
from pulp_conda.formats.index.subdir import Before, Files, Making, SubdirIndex

from .documents import ALGORITHMS, DamagedDocument, Recipe, save_documents
from .patches import Patches
from .previous_index import Predecessor, predecessor
from .shards import ShardKeeper
from .version_packages import Members

_FORMAT = "4"
"""To be changed with the bytes that the same packages give, lest old ones be taken over."""

Made = tuple[Files, Mapping[str, NewShards]]
"""The documents of an index, and the shards of each of its subdirs."""

_ROOT = ""
"""Where documents lie that are no subdir's."""


def publish_when_wanted(
    *, repository: CondaRepository, version: RepositoryVersion, **_: object
) -> None:
    """Publish a new version of a repository that publishes by itself."""
    if repository.autopublish:
        with publishing_report() as report:
            publish(version, report=report)


def publishing_report() -> ProgressReport:
    """Return the report of a task in which a version is published."""
    return ProgressReport(message="Publishing subdirs", code="publish.subdirs")


def publish(
    version: RepositoryVersion, *, checkpoint: bool = False, report: ProgressReport | None = None
) -> CondaPublication:
    """Make the index of a version; to be called in a task that holds the repository.

    The publication becomes visible when everything in it exists; one that is interrupted is never
    served. What it costs grows with what changed since the publication before, and where there is
    none with the channel; memory grows with the number of names in a subdir.
    """
    recipe = recipe_of(version)
    before = predecessor(version, recipe)
    try:
        return _Publishing(version, recipe, before, report).publish(checkpoint=checkpoint)
    except DamagedDocument:
        # Whatever happened to the index of before, that of today can be made without it.
        return _Publishing(version, recipe, None, report).publish(checkpoint=checkpoint)


def made_anew(
    version: RepositoryVersion, report: ProgressReport | None = None
) -> AbstractContextManager[Made]:
    """Make the index of a version from its packages alone; nothing of it is saved."""
    return _Publishing(version, recipe_of(version), None, report).made()


def recipe_of(version: RepositoryVersion) -> Recipe:
    """Return the recipe that a version would be published by now."""
    return _recipe(version.repository.cast())


def _recipe(repository: CondaRepository) -> Recipe:
    """Return what besides its packages decides on a channel's documents."""
    return {
        "format": _FORMAT,
        "documents": " ".join(repository.documents),
        "v3_documents": " ".join(repository.v3_documents),
        "bz2_max_bytes": str(settings.CONDA_BZ2_MAX_BYTES),
    }


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Keep Python from looking for garbage in what is only held, over and over.

    Reading the ledger of 14,000 names takes 0.08 s this way in place of 0.43 s.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Publishing:
    """Makes the documents of a version, with a predecessor or without."""

    def __init__(
        self,
        version: RepositoryVersion,
        recipe: Recipe,
        before: Predecessor | None,
        report: ProgressReport | None,
    ) -> None:
        self._version = version
        self._recipe = recipe
        self._documents = recipe["documents"].split()
        self._before = before
        self._report = report
        self._members = Members(version)
        self._changed = before.changed(version) if before else None
        existing = before.subdirs if before else self._members.subdirs()
        self._subdirs = {layout.NOARCH, *existing, *(self._changed or ())}
        self._patches = self._members.patches
        self._add_repatched()
        self._made = sorted(self._subdirs if self._changed is None else self._changed)

    def _add_repatched(self) -> None:
        """Count the names as changed whose patches are others than before."""
        if self._before is None or self._changed is None:
            return
        earlier = Patches(self._version.repository_id, self._before.number)
        for subdir, names in earlier.changed_names(self._patches).items():
            # Patches alone make no subdir.
            if subdir in self._subdirs:
                self._changed.setdefault(subdir, set()).update(names)

    def publish(self, *, checkpoint: bool) -> CondaPublication:
        """Make them, and save them together with the publication."""
        with (
            self.made() as (files, shards),
            transaction.atomic(),
            CondaPublication.create(
                self._version, pass_through=True, checkpoint=checkpoint
            ) as publication,
        ):
            before = self._before.number if self._before else None
            self._members.record(since=before)
            keeper = ShardKeeper(self._version, before)
            for subdir, new in shards.items():
                keeper.save(subdir, new)
            save_documents(publication, files, self._taken(), self._recipe)
            transaction.on_commit(publication.repository.invalidate_cache)
        return publication

    @contextmanager
    def made(self) -> Iterator[Made]:
        """Make them in a folder that goes with the context."""
        with (
            tempfile.TemporaryDirectory(dir=settings.WORKING_DIRECTORY) as folder,
            ExitStack() as stack,
        ):
            making = Making(
                packages=self._members,
                folder=Path(folder),
                documents=self._documents,
                v3_documents=self._recipe["v3_documents"].split(),
                bz2_max_bytes=settings.CONDA_BZ2_MAX_BYTES,
                created=int(self._version.repository.pulp_created.timestamp() * 1000),
                algorithms=ALGORITHMS,
            )
            shards = {
                subdir: stack.enter_context(closing(NewShards(making.folder)))
                for subdir in self._made
            }
            with _no_garbage():
                files = self._files(making, shards)
            yield files, shards

    def _files(self, making: Making, shards: Mapping[str, NewShards]) -> Files:
        """Make the documents of the subdirs that changed, and of the channel."""
        files: Files = {}
        if self._report:
            self._report.total = len(self._made)
        for subdir in self._report.iter(self._made) if self._report else self._made:
            before = self._before_of(subdir)
            changed = self._changed[subdir] if self._changed and before else None
            instructions = self._patches.of(subdir)
            index = SubdirIndex(
                making,
                subdir,
                before=before,
                changed=changed,
                patch=instructions.patch if instructions else None,
                shards=shards[subdir],
            )
            files |= index.write()
        if "channeldata" in self._documents and self._made:
            names = None
            if self._changed is not None:
                names = set[str]().union(*self._changed.values())
            files |= write_channeldata(
                making, self._subdirs, before=self._before_of(_ROOT), changed=names
            )
        return files

    def _before_of(self, subdir: str) -> Before | None:
        documents = self._before.of(subdir) if self._before else {}
        if self._before is None or not documents:
            return None
        if subdir != _ROOT:
            # The first patch of a subdir parts what was one, the last one's end joins it.
            was_patched = f"{subdir}/{layout.REPODATA_FROM_PACKAGES}" in documents
            if was_patched is not (self._patches.of(subdir) is not None):
                return None
        return self._before.before(subdir)

    def _taken(self) -> dict[str, UUID]:
        """Return the documents that are the predecessor's."""
        if self._before is None:
            return {}
        made = {*self._made, _ROOT} if self._made else set()
        return {
            path: document.artifact
            for path, document in self._before.documents.items()
            if layout.split(path)[0] not in made
        }
