"""Build the documents and shards of a plan."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from pulpcore.plugin.models import ProgressReport

from pulp_conda.formats.index.context import BuildContext, Files
from pulp_conda.formats.index.new_shards import NewShards
from pulp_conda.formats.index.subdir import SubdirIndex
from pulp_conda.formats.index.write_channeldata import write_channeldata

from .documents import ALGORITHMS
from .fingerprint import fingerprint_options
from .plan import ROOT, Plan


@dataclass(frozen=True)
class Built:
    """The documents and shards of an index, not saved yet."""

    files: Files
    shards: Mapping[str, NewShards]
    """By subdir."""

    def close(self) -> None:
        """Close the temporary files that hold shards."""
        for shards in self.shards.values():
            shards.close()


@contextmanager
def temporary_build(plan: Plan, report: ProgressReport | None = None) -> Iterator[Built]:
    """Build in a folder of the working directory that is deleted when the context ends."""
    with (
        tempfile.TemporaryDirectory(dir=settings.WORKING_DIRECTORY) as folder,
        closing(build(plan, Path(folder), report)) as built,
    ):
        yield built


def build(plan: Plan, folder: Path, report: ProgressReport | None = None) -> Built:
    """Build the documents and shards of a plan; writes nothing outside of `folder`.

    Raises:
        DamagedDocument: a document of the previous publication is not what was saved.
    """
    context = _context(plan, folder)
    with ExitStack() as opened:
        shards = {
            subdir: opened.enter_context(closing(NewShards(folder, plan.changed_names(subdir))))
            for subdir in plan.built_subdirs
        }
        files: Files = {}
        if report:
            report.total = len(shards)
        for subdir in report.iter(shards) if report else shards:
            files |= _build_subdir(plan, context, subdir, shards[subdir])
        if "channeldata" in context.options.documents and plan.built_subdirs:
            files |= _build_channeldata(plan, context)
        opened.pop_all()
    return Built(files, shards)


def _context(plan: Plan, folder: Path) -> BuildContext:
    return BuildContext(
        packages=plan.packages,
        folder=folder,
        options=fingerprint_options(plan.fingerprint),
        created=int(plan.version.repository.pulp_created.timestamp() * 1000),
        algorithms=ALGORITHMS,
    )


def _build_subdir(plan: Plan, context: BuildContext, subdir: str, shards: NewShards) -> Files:
    previous = plan.previous_index(subdir)
    instructions = plan.packages.patches.of(subdir)
    patch = instructions.patch if instructions else None
    return SubdirIndex(context, subdir, shards, previous=previous, patch=patch).build()


def _build_channeldata(plan: Plan, context: BuildContext) -> Files:
    changed = None if plan.changed is None else set[str]().union(*plan.changed.values())
    return write_channeldata(
        context,
        plan.subdirs,
        previous=plan.previous_index(ROOT),
        changed=changed,
        describe=plan.packages.patches.describe,
    )
