"""Check that a published index equals the index that its packages give, and mend it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import QuerySet
from pulpcore.plugin.models import (
    Artifact,
    ContentArtifact,
    ProgressReport,
    PublishedMetadata,
)

from pulp_conda.app.channels.index.build import Built, temporary_build
from pulp_conda.app.channels.index.documents import (
    CheckedStream,
    DamagedDocument,
    SavedDocument,
    opened_document,
)
from pulp_conda.app.channels.index.fingerprint import (
    Fingerprint,
    index_fingerprint,
    same_libraries,
    same_options,
)
from pulp_conda.app.channels.index.plan import plan
from pulp_conda.app.channels.index.version_packages import VersionPackages
from pulp_conda.app.models import CondaPublication, CondaShard, shards_of
from pulp_conda.formats.index.compare import content_digest, same_shard
from pulp_conda.formats.index.files import WrittenFile
from pulp_conda.formats.index.new_shards import NewShards
from pulp_conda.formats.index.shards import ShardBytes


class Fault(NamedTuple):
    """A path of a channel, and the problem with its file."""

    path: str
    problem: str


OTHER_OPTIONS = "made with other options than the repository has now"
ABSENT = "the publication lacks it"
SURPLUS = "the packages give no such document"
DIFFERENT = "the packages give another document"
DAMAGED = "the storage has lost or changed its bytes"

_ROOT = "/"


def faults_of(
    publication: CondaPublication, *, mend: bool = False, report: ProgressReport | None = None
) -> Iterator[Fault]:
    """Build the index of a version anew in a folder, and yield every difference.

    Bytes are compared. If the publication was built with other versions of the libraries, bytes may
    differ without a fault, and content is compared instead.

    With `mend`, damaged documents are deleted from the storage and damaged shards are corrected.
    The caller then publishes the version again, which writes the documents anew. A task that holds
    the repository calls this.
    """
    version = publication.repository_version
    saved, wanted = _fingerprint(publication), index_fingerprint(version)
    if not same_options(saved, wanted):
        yield Fault(_ROOT, OTHER_OPTIONS)
    check = _Check(exact=same_libraries(saved, wanted), mend=mend)
    shards = CondaShard.objects.filter(shards_of(version.repository_id, version.number))
    with temporary_build(plan(version, VersionPackages(version), anew=True), report) as built:
        yield from check.documents(built, _stored(publication))
        for subdir, new in built.shards.items():
            yield from check.shards(subdir, new, shards.filter(subdir=subdir))


def _fingerprint(publication: CondaPublication) -> Fingerprint:
    units = PublishedMetadata.objects.filter(publication=publication)
    return units.values_list("pulp_labels", flat=True).first() or {}


def _stored(publication: CondaPublication) -> Mapping[str, Artifact]:
    """Return the artifact of each document."""
    documents = ContentArtifact.objects.filter(
        published_artifact__publication=publication
    ).select_related("artifact__pulp_domain")
    return {document.relative_path: document.artifact for document in documents}


@dataclass(frozen=True)
class _Check:
    exact: bool
    """Whether bytes are compared, and not only content."""
    mend: bool

    def documents(self, built: Built, stored: Mapping[str, Artifact]) -> Iterator[Fault]:
        for path in sorted(built.files.keys() | stored.keys()):
            if problem := self._document_problem(path, built.files.get(path), stored.get(path)):
                yield Fault(path, problem)

    def _document_problem(
        self, path: str, built: WrittenFile | None, stored: Artifact | None
    ) -> str | None:
        if stored is None:
            return ABSENT
        if built is None:
            return SURPLUS
        equal = built.digests["sha256"] == stored.sha256
        if not equal and self.exact:
            return DIFFERENT
        saved = SavedDocument(stored.pk, str(stored.file.name), str(stored.sha256))
        try:
            with opened_document(saved) as stream:
                return None if equal or _same_content(path, built, stream) else DIFFERENT
        except (DamagedDocument, ValueError):
            if self.mend:
                stored.pulp_domain.get_storage().delete(stored.file.name)
            return DAMAGED

    def shards(self, subdir: str, new: NewShards, saved: QuerySet[CondaShard]) -> Iterator[Fault]:
        for batch in new.batches():
            rows: dict[str, list[CondaShard]] = {}
            for row in saved.filter(name__in=list(batch)):
                rows.setdefault(row.name, []).append(row)
            for name, shard in batch.items():
                if problem := self._shard_problem(shard, rows.get(name, [])):
                    yield Fault(f"{subdir}/shards/{shard.digest.hex()}.msgpack.zst", problem)

    def _shard_problem(self, shard: ShardBytes, rows: list[CondaShard]) -> str | None:
        for row in rows:
            if row.digest == shard.digest.hex():
                return self._row_problem(shard, row)
        if self.exact or not rows:
            return ABSENT
        try:
            found = any(same_shard(bytes(row.data), shard.data) for row in rows)
        except ValueError:
            return DAMAGED
        return None if found else DIFFERENT

    def _row_problem(self, shard: ShardBytes, row: CondaShard) -> str | None:
        if bytes(row.data) == shard.data:
            return None
        if self.mend:
            CondaShard.objects.filter(pk=row.pk).update(data=shard.data)
        return DAMAGED


def _same_content(path: str, built: WrittenFile, stored: CheckedStream) -> bool:
    with built.path.open("rb") as file:
        return content_digest(path, stored) == content_digest(path, file)
