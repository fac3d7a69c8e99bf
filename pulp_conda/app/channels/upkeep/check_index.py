"""Whether a published index is the one that the stored packages give, and mending it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from django.db.models import Q, QuerySet
from pulpcore.plugin.models import (
    Artifact,
    ContentArtifact,
    ProgressReport,
    PublishedMetadata,
    RepositoryVersion,
)

from pulp_conda.app.channels.index.build import Built, temporary_build
from pulp_conda.app.channels.index.documents import DamagedDocument, SavedDocument, opened_document
from pulp_conda.app.channels.index.fingerprint import index_fingerprint
from pulp_conda.app.channels.index.plan import plan
from pulp_conda.app.channels.index.version_packages import VersionPackages
from pulp_conda.app.models import CondaPublication, CondaShard
from pulp_conda.formats.index.files import WrittenFile
from pulp_conda.formats.index.new_shards import NewShards
from pulp_conda.formats.index.shards import ShardBytes


class Fault(NamedTuple):
    """What is wrong with a path of a channel."""

    path: str
    problem: str


OTHER_OPTIONS = "made with other options than the repository has now"
ABSENT = "the publication lacks it"
SURPLUS = "the packages give no such document"
DIFFERENT = "the packages give another document"
DAMAGED = "the storage has lost or changed its bytes"

_ROOT = "/"


def publication_of(version: RepositoryVersion) -> CondaPublication | None:
    """Return the index of a version that clients are served."""
    complete = CondaPublication.objects.filter(repository_version=version, complete=True)
    return complete.order_by("pulp_created").last()


def faults_of(
    publication: CondaPublication, *, mend: bool = False, report: ProgressReport | None = None
) -> Iterator[Fault]:
    """Make a publication's index once more, beside it, and yield every difference.

    With `mend` damaged bytes are thrown away as they are found, so that publishing the version
    again, which is due then, writes them anew; to be called in a task that holds the repository.
    """
    version = publication.repository_version
    if not PublishedMetadata.objects.filter(
        publication=publication, pulp_labels=index_fingerprint(version)
    ).exists():
        yield Fault(_ROOT, OTHER_OPTIONS)
    anew = plan(version, VersionPackages(version), anew=True)
    with temporary_build(anew, report) as built:
        yield from _compared(publication, built, mend=mend)


def _compared(publication: CondaPublication, built: Built, *, mend: bool) -> Iterator[Fault]:
    files = built.files
    stored = _stored(publication)
    for path in sorted(files.keys() | stored.keys()):
        if problem := _problem(files.get(path), stored.get(path), mend=mend):
            yield Fault(path, problem)
    for subdir, new in built.shards.items():
        kept = _kept(publication.repository_version, subdir)
        yield from _shard_faults(subdir, new, kept, mend=mend)


def _stored(publication: CondaPublication) -> Mapping[str, Artifact]:
    """Return the artifact of each document."""
    places = ContentArtifact.objects.filter(
        published_artifact__publication=publication
    ).select_related("artifact__pulp_domain")
    return {place.relative_path: place.artifact for place in places}


def _problem(made: WrittenFile | None, stored: Artifact | None, *, mend: bool) -> str | None:
    if stored is None:
        return ABSENT
    if made is None:
        return SURPLUS
    if stored.sha256 is None or made.digests["sha256"] != stored.sha256:
        return DIFFERENT
    try:
        with opened_document(SavedDocument(stored.pk, str(stored.file.name), stored.sha256)):
            return None
    except DamagedDocument:
        if mend:
            stored.pulp_domain.get_storage().delete(stored.file.name)
        return DAMAGED


def _kept(version: RepositoryVersion, subdir: str) -> QuerySet[CondaShard]:
    """Return the shards that the index of a version names, or an earlier index of it named."""
    return CondaShard.objects.filter(
        Q(removed=None) | Q(removed__gt=version.number),
        repository_id=version.repository_id,
        subdir=subdir,
        added__lte=version.number,
    )


def _shard_faults(
    subdir: str, new: NewShards, kept: QuerySet[CondaShard], *, mend: bool
) -> Iterator[Fault]:
    for batch in new.batches():
        rows = {row.digest: row for row in kept.filter(name__in=list(batch))}
        for shard in batch.values():
            digest = shard.digest.hex()
            if problem := _shard_problem(shard, rows.get(digest), mend=mend):
                yield Fault(f"{subdir}/shards/{digest}.msgpack.zst", problem)


def _shard_problem(shard: ShardBytes, row: CondaShard | None, *, mend: bool) -> str | None:
    if row is None:
        return ABSENT
    if bytes(row.data) == shard.data:
        return None
    if mend:
        CondaShard.objects.filter(pk=row.pk).update(data=shard.data)
    return DAMAGED
