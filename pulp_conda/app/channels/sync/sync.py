"""A channel takes what an upstream channel has."""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from django.db import transaction
from pulpcore.plugin.models import ProgressReport

from pulp_conda.app.channels.changes.hold import held, release
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import MIRROR, SyncedSubdir, publication_of

from .apply import apply, save_states
from .asking import Asking
from .difference import compare
from .files import FileFetcher
from .read import Read, SubdirReader
from .report import SyncReport
from .request import SyncRequest
from .staging import Staging
from .state import changed_by_others, names_in, previous_states, subdirs_in
from .subdirs import wanted_subdirs


class NothingRead(Exception):
    """No subdir of an upstream could be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no subdir of the upstream could be read. {reason}".rstrip())


def sync(request: SyncRequest) -> dict[str, Any]:
    """Sync a channel from a remote; return the result of the task.

    The task holds the repository, and gives it back until there is something to apply. So uploads
    go on meanwhile. If the upstream cannot be read, the channel stays as it is.

    Raises:
        UpstreamError: the upstream does not answer, or refuses.
        FetchFailed: it does not give the files.
        DiskFailed: there is no room for them.
        NothingRead: no subdir of it could be read.
        Shrunk: the channel would lose too many packages.
        CommitTimeout: other tasks held the repository for too long.
    """
    release(request.repository)
    report = SyncReport()
    with Asking(request.remote, report) as asking:
        if request.options.dry_run:
            with transaction.atomic():
                _Sync(request, asking, report).try_out()
                transaction.set_rollback(True)
        else:
            _Sync(request, asking, report).run()
    return report.result()


class _Sync:
    def __init__(self, request: SyncRequest, asking: Asking, report: SyncReport) -> None:
        self._request = request
        self._asking = asking
        self._report = report
        self._latest = request.repository.latest_version()
        self._staging = Staging()

    def run(self) -> None:
        """Read the upstream, and let the channel have what it has."""
        states, compared = self._read()
        failpoint("upstream read")
        if self._request.fetches_files:
            compared = self._fetch_files(states, compared)
        version = self._latest
        if any(compared.values()) or publication_of(version) is None:
            with held(self._request.repository):
                self._report.difference, version = apply(
                    self._request, states, base=version.number, compared=compared
                )
        else:
            save_states(states, version)
        self._report.version = version.number

    def _fetch_files(
        self, states: Collection[SyncedSubdir], compared: Mapping[str, AbstractSet[str]]
    ) -> dict[str, AbstractSet[str]]:
        """Fetch the files of what was staged; return the names of which all files are here."""
        fetcher = FileFetcher(self._request.remote, self._asking, self._report)
        lost = fetcher.fetch({state.subdir: state.files_url for state in states})
        for state in states:
            if names := lost.get(state.subdir):
                self._staging.withdraw(state.subdir, names)
                state.forget(names)
        return {subdir: names - lost.get(subdir, set()) for subdir, names in compared.items()}

    def try_out(self) -> None:
        """Find what a sync would do. The caller undoes what is saved."""
        self._read()
        mode, holds = self._request.options.mode, self._request.holds
        self._report.difference = compare(self._latest, mode=mode, holds=holds)

    def _read(self) -> tuple[list[SyncedSubdir], dict[str, AbstractSet[str]]]:
        """Stage what changed in all subdirs; return their states, and the names by subdir."""
        previous = previous_states(self._request)
        others = changed_by_others(previous, self._latest)
        subdirs = wanted_subdirs(self._request.remote, self._asking, previous)
        read: dict[str, Read] = {}
        with (
            ProgressReport(message="Saving packages", code="conda.sync.packages") as packages,
            ProgressReport(
                message="Reading subdirs", code="conda.sync.subdirs", total=len(subdirs)
            ) as progress,
        ):
            reader = SubdirReader(
                self._request, self._asking, self._report, self._staging, packages, self._latest
            )
            for subdir in progress.iter(subdirs):
                found = reader.read(subdir, previous.get(subdir), others.get(subdir, frozenset()))
                if found:
                    read[subdir] = found
        if not read:
            raise NothingRead(self._report.first_fault)
        compared = {subdir: found.names for subdir, found in read.items()}
        if self._request.options.mode == MIRROR:
            compared |= self._stage_removed(subdirs)
        self._staging.analyze()
        for path, name in self._staging.drop_contested():
            self._report.fault(path, f"{name} lists it, and so does the name that it belongs to")
        return [found.state for found in read.values()], compared

    def _stage_removed(self, subdirs: Collection[str]) -> dict[str, AbstractSet[str]]:
        """Stage the names that the channel has in subdirs that the upstream does not have."""
        removed: dict[str, AbstractSet[str]] = {}
        for subdir in subdirs_in(self._latest).difference(subdirs):
            names = names_in(self._latest, subdir)
            self._staging.add_names(subdir, names)
            removed[subdir] = names
        return removed
