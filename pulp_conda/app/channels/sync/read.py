"""Read a subdir of an upstream, and stage what changed in it."""

from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from django.utils.timezone import now
from pulpcore.plugin.models import ProgressReport, RepositoryVersion

from pulp_conda.app.models import MIRROR, SyncedSubdir
from pulp_conda.formats.errors import TrustedText
from pulp_conda.formats.upstream.errors import UnusableDocument

from .asking import Asking
from .exports import RunExportsLost
from .look import Looking, NoDocument, Unchanged, WorseDocument
from .report import SyncReport
from .request import SyncRequest
from .rows import Rows
from .seen import Seen
from .staging import Row, Staging
from .state import names_in

_BATCH_PACKAGES: Final = 10_000
_MOST_MISSING: Final = 10
_MOST_MISSING_PERCENT: Final = 5
"""With more missing shards than both, another document is read."""


class Read(NamedTuple):
    """A subdir that was read."""

    state: SyncedSubdir
    """Unsaved: its `version` is not known yet."""
    names: AbstractSet[str]
    """The names that were staged."""


class SubdirReader:
    """Reads the subdirs of an upstream for one sync."""

    def __init__(
        self,
        request: SyncRequest,
        asking: Asking,
        report: SyncReport,
        staging: Staging,
        progress: ProgressReport,
        latest: RepositoryVersion,
    ) -> None:
        """Stage in `staging`. `latest` is the channel's newest version."""
        self._request = request
        self._asking = asking
        self._report = report
        self._staging = staging
        self._progress = progress
        self._latest = latest

    def read(
        self, subdir: str, previous: SyncedSubdir | None, others: AbstractSet[str]
    ) -> Read | None:
        """Read a subdir; return None if the upstream has no usable document of it.

        `others` are names that were changed in the channel since the `previous` sync by others.

        Raises:
            UpstreamError: the upstream does not answer, or refuses.
        """
        looking = Looking(self._asking, self._request, self._report, subdir, previous)
        known = previous if self._can_skip(previous) else None
        try:
            for seen in looking.seen(conditional=known is not None and not others):
                try:
                    names, missing = self._stage(seen, known, previous, others)
                except UnusableDocument as error:
                    self._report.fault(f"{subdir}/{seen.document}", str(error))
                    self._staging.drop(subdir)
                    continue
                self._report.read(subdir, seen.document, len(seen.digests), len(names))
                return Read(self._state(seen, previous, missing, looking), names)
        except Unchanged:
            if previous:
                previous.checked = now()
                self._report.read(subdir, previous.document, len(previous.names), 0)
                return Read(previous, frozenset())
        except WorseDocument as error:
            self._report.fault(error.path, f"{error}; the subdir stays as it is without force")
        except RunExportsLost:
            reason = "its run_exports.json is absent or damaged, and was there before"
            self._report.fault(subdir, f"{reason}; it stays as it is without force")
        except NoDocument:
            if previous or subdir in self._request.remote.subdirs:
                self._report.fault(subdir, "the upstream has no such subdir")
        return None

    def _can_skip(self, previous: SyncedSubdir | None) -> bool:
        """Return whether names whose records did not change need not be compared."""
        return (
            previous is not None
            and self._request.options.optimize
            and previous.options == self._request.fingerprint
        )

    def _stage(
        self,
        seen: Seen,
        known: SyncedSubdir | None,
        previous: SyncedSubdir | None,
        others: AbstractSet[str],
    ) -> tuple[set[str], set[str]]:
        """Stage the names that differ from `known`; return them, and those that were lost."""
        names = self._names(seen, known) | others
        rows = Rows(self._request.remote, self._report, seen.subdir, previous)
        asked = sorted(name for name in names & seen.digests.keys() if rows.filter.may_take(name))
        missing: set[str] = set()
        batch: list[Row] = []
        for name, raw in seen.records(asked):
            if raw is None:
                missing.add(name)
                self._report.fault(
                    f"{seen.subdir}/{name}", "its shard is missing; it stays as it is"
                )
                _check_missing(len(missing), len(asked))
                continue
            batch += rows.of(name, raw)
            if len(batch) >= _BATCH_PACKAGES:
                self._add(batch)
                batch = []
        self._add(batch)
        self._staging.add_names(seen.subdir, names - missing)
        return names - missing, missing

    def _names(self, seen: Seen, known: SyncedSubdir | None) -> set[str]:
        if known is not None:
            return {name for name, _ in seen.digests.items() ^ known.names.items()}
        names = set(seen.digests)
        if self._request.options.mode == MIRROR:
            names |= names_in(self._latest, seen.subdir)
        return names

    def _add(self, batch: list[Row]) -> None:
        if batch:
            self._staging.add(batch)
            self._progress.increase_by(len(batch))

    def _state(
        self,
        seen: Seen,
        previous: SyncedSubdir | None,
        missing: AbstractSet[str],
        looking: Looking,
    ) -> SyncedSubdir:
        state = SyncedSubdir(
            pk=previous.pk if previous else None,
            repository=self._request.repository,
            remote=self._request.remote,
            subdir=seen.subdir,
            document=seen.document,
            shards_refused=looking.shards_refused,
            etag=seen.answer.headers.get("ETag", ""),
            last_modified=seen.answer.headers.get("Last-Modified", ""),
            sha256=seen.sha256,
            # repodata.json does not say it, and an older shard index must not be taken after it.
            created=seen.created or (previous.created if previous else None),
            files_url=seen.files_url,
            digests=SyncedSubdir.packed(seen.digests),
            options=self._request.fingerprint,
            exports_document=seen.exports.document,
            exports_etag=seen.exports.etag,
            exports_sha256=seen.exports.sha256,
            checked=now(),
        )
        state.forget(missing)
        return state


def _check_missing(missing: int, asked: int) -> None:
    if missing > max(_MOST_MISSING, asked * _MOST_MISSING_PERCENT // 100):
        raise UnusableDocument(
            TrustedText("the shard index"),
            TrustedText(f"{missing:,} of the shards that it names are missing"),
        )
