"""Fetch the files of staged packages, for remotes with the policy `immediate`.

An index names a package when its file is here. So a name of which a file cannot be had stays as it
is in the channel, and the next sync tries it again. Files that were saved stay, so a sync that
failed goes on where it was.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from django.db import connection
from pulpcore.plugin.models import ProgressReport

from pulp_conda.app.channels.storage.fetched_files import save_fetched, store_fetched
from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.channels.transfer.spool import DiskFailed, Spool, new_name
from pulp_conda.app.channels.transfer.transfer import Transfer
from pulp_conda.app.channels.transfer.wanted import Origin, WantedFile
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import BUSY, UNAVAILABLE, CondaRemote
from pulp_conda.formats.upstream.urls import package_url

from .asking import Asking
from .report import SyncReport
from .staging import STAGED

_ROWS_PER_PAGE: Final = 1000
_GROUP: Final = 4
_MOST_UNAVAILABLE: Final = 20
"""After so many files in a row that were unavailable the upstream counts as unavailable."""

# Page by page, because files are saved while the list is read.
_ABSENT: Final = f"""
    SELECT staged.unit, staged.subdir, staged.name, staged.filename, staged.sha256, staged.md5,
           package.size
      FROM {STAGED} staged
      JOIN conda_condapackage package ON package.content_ptr_id = staged.unit
      JOIN core_contentartifact file ON file.content_id = staged.unit
     WHERE file.artifact_id IS NULL AND (staged.subdir, staged.filename) > (%s, %s)
     ORDER BY staged.subdir, staged.filename LIMIT {_ROWS_PER_PAGE}
"""  # noqa: S608 (of constants)


class _File(NamedTuple):
    subdir: str
    name: str
    filename: str
    wanted: WantedFile


class _Fetched(NamedTuple):
    file: _File
    spool: Spool | None
    failure: FetchFailed | None


class FileFetcher:
    """Fetches the files that staged packages lack."""

    def __init__(self, remote: CondaRemote, asking: Asking, report: SyncReport) -> None:
        """Fetch from the upstream of a remote."""
        self._remote = remote
        self._asking = asking
        self._report = report
        self._unavailable = 0
        """How many files in a row were unavailable."""

    def fetch(self, files_urls: Mapping[str, str]) -> dict[str, set[str]]:
        """Fetch and save all files; return the names, by subdir, of which one cannot be had.

        `files_urls` are the URLs of the folders with the files, by subdir.

        Raises:
            FetchFailed: the upstream is unavailable.
            DiskFailed: the disk is full.
        """
        lost: dict[str, set[str]] = defaultdict(set)
        with ProgressReport(message="Fetching files", code="conda.sync.files") as progress:
            files = self._absent(files_urls)
            for fetched in self._asking.each(files, self._fetched, at_once=_GROUP):
                if fetched.failure:
                    self._note(fetched.file, fetched.failure)
                    lost[fetched.file.subdir].add(fetched.file.name)
                elif fetched.spool:
                    self._save(fetched.file.wanted, fetched.spool)
                    progress.increase_by(1)
        return lost

    def _absent(self, files_urls: Mapping[str, str]) -> Iterator[_File]:
        last = ("", "")
        while True:
            with connection.cursor() as cursor:
                cursor.execute(_ABSENT, last)
                rows = cursor.fetchall()
            for unit, subdir, name, filename, sha256, md5, size in rows:
                url = package_url(files_urls[subdir], filename)
                origin = Origin(self._remote.pk, url, is_stored=True)
                wanted = WantedFile(
                    unit, f"{subdir}/{filename}", size or None, sha256 or md5, (origin,)
                )
                yield _File(subdir, name, filename, wanted)
                last = (subdir, filename)
            if len(rows) < _ROWS_PER_PAGE:
                return

    async def _fetched(self, file: _File) -> _Fetched:
        """Fetch a file into the working directory, in the thread of requests."""
        wanted = file.wanted
        spool = Spool.create(new_name(), wanted)
        try:
            transfer = Transfer(wanted.origins[0].url, wanted.size, spool, "")
            await transfer.run(self._asking.upstream, lambda: None)
            spool.check()
        except FetchFailed as failure:
            spool.remove()
            spool.close()
            return _Fetched(file, None, failure)
        except BaseException:
            spool.remove()
            spool.close()
            raise
        return _Fetched(file, spool, None)

    def _save(self, wanted: WantedFile, spool: Spool) -> None:
        failpoint("file fetched")
        (origin,) = wanted.origins
        self._unavailable = 0
        self._report.requests += 1
        self._report.bytes += spool.arrived
        try:
            file = store_fetched(spool.path, spool.sha256)
            save_fetched(file, wanted.content, wanted.path, origin.remote, origin.url)
        except OSError as error:
            raise DiskFailed(str(error)) from error
        finally:
            spool.remove()
            spool.close()

    def _note(self, file: _File, failure: FetchFailed) -> None:
        self._unavailable = self._unavailable + 1 if failure.status in (UNAVAILABLE, BUSY) else 0
        if self._unavailable == _MOST_UNAVAILABLE:
            raise failure
        self._report.fault(file.wanted.path, f"it cannot be had: {failure}")
