"""The index of a version: made whole, then made visible by one switch."""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from pulpcore.plugin.models import ProgressReport, RepositoryVersion

from pulp_conda.app.models import CondaPublication, CondaRepository
from pulp_conda.formats import layout
from pulp_conda.formats.channel_index import write_channeldata
from pulp_conda.formats.new_shards import NewShards
from pulp_conda.formats.subdir_index import Before, Files, Making, SubdirIndex

from .documents import ALGORITHMS, DamagedDocument, Recipe, save_documents
from .members import Members
from .predecessor import Predecessor, predecessor
from .shards import ShardKeeper

_FORMAT = "2"
"""To be changed with the bytes that the same packages give, lest old ones be taken over."""

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
    recipe = _recipe(version.repository.cast())
    before = predecessor(version, recipe)
    try:
        return _Publishing(version, recipe, before, report).publish(checkpoint=checkpoint)
    except DamagedDocument:
        # Whatever happened to the index of before, that of today can be made without it.
        return _Publishing(version, recipe, None, report).publish(checkpoint=checkpoint)


def _recipe(repository: CondaRepository) -> Recipe:
    """Return what besides its packages decides on a channel's documents."""
    return {
        "format": _FORMAT,
        "documents": " ".join(repository.documents),
        "bz2_max_bytes": str(settings.CONDA_BZ2_MAX_BYTES),
    }


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
        self._made = sorted(self._subdirs if self._changed is None else self._changed)

    def publish(self, *, checkpoint: bool) -> CondaPublication:
        """Make them, and save them together with the publication."""
        with (
            tempfile.TemporaryDirectory(dir=settings.WORKING_DIRECTORY) as folder,
            ExitStack() as stack,
        ):
            making = Making(
                self._members,
                Path(folder),
                self._documents,
                settings.CONDA_BZ2_MAX_BYTES,
                ALGORITHMS,
            )
            shards = {
                subdir: stack.enter_context(NewShards(making.folder)) for subdir in self._made
            }
            files = self._files(making, shards)
            with (
                transaction.atomic(),
                CondaPublication.create(
                    self._version, pass_through=True, checkpoint=checkpoint
                ) as publication,
            ):
                self._members.record(since=self._before.number if self._before else None)
                keeper = ShardKeeper(self._version)
                for subdir, new in shards.items():
                    keeper.save(subdir, new)
                save_documents(publication, files, self._taken(), self._recipe)
                transaction.on_commit(publication.repository.invalidate_cache)
        return publication

    def _files(self, making: Making, shards: Mapping[str, NewShards]) -> Files:
        """Make the documents of the subdirs that changed, and of the channel."""
        files: Files = {}
        if self._report:
            self._report.total = len(self._made)
        for subdir in self._report.iter(self._made) if self._report else self._made:
            before = self._before_of(subdir)
            changed = self._changed[subdir] if self._changed and before else None
            index = SubdirIndex(
                making, subdir, before=before, changed=changed, shards=shards[subdir]
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
        if self._before is None or not self._before.of(subdir):
            return None
        return self._before.before(subdir)

    def _taken(self) -> dict[str, UUID]:
        """Return the documents that are the predecessor's."""
        if self._before is None:
            return {}
        made = {*self._made, _ROOT} if self._made else set()
        return {
            path: artifact
            for path, artifact in self._before.documents.items()
            if layout.split(path)[0] not in made
        }
