"""Find the newest document of an upstream subdir that can be used.

Shards come first, because a later sync then fetches only those of changed names. If the upstream
has none, or wrong ones, its `repodata.json` is read instead, and shards are tried again after a
day. A document is used only if it decodes whole and is for the subdir. If it is empty, older or
much smaller than the previous one, the subdir stays as it is: the other variants, perhaps of the
same outdated cache, are not asked for.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from django.utils.timezone import now

from pulp_conda.app.models import SyncedSubdir
from pulp_conda.app.upstream import Absent, Answer
from pulp_conda.formats import layout
from pulp_conda.formats.errors import TrustedText
from pulp_conda.formats.upstream.document import Document, read_document
from pulp_conda.formats.upstream.errors import UnusableDocument
from pulp_conda.formats.upstream.shard_index import decode_shard_index
from pulp_conda.formats.upstream.urls import files_url, shards_url

from .asking import Asking
from .bodies import MAX_PACKED_BYTES, text_blocks
from .exports import RunExportsFile
from .report import SyncReport
from .request import SyncRequest
from .seen import Seen, seen_document, seen_shards

SHARDS_AGAIN: Final = timedelta(days=1)
"""When shards that were absent or wrong are asked for again."""

_MAX_INDEX_BYTES: Final = 128 * 1024**2
_MONOLITHIC: Final = (
    layout.REPODATA + layout.ZST,
    layout.REPODATA,
    layout.REPODATA + layout.BZ2,
)
_NOT_MODIFIED: Final = 304
_DOCUMENT: Final = TrustedText("the document")


class Unchanged(Exception):
    """The upstream's newest document is the one that the last sync has read."""


class WorseDocument(Exception):
    """A document that is worse than the one that the last sync has read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"it is not used, because it {reason}")
        self.path = path


class NoDocument(Exception):
    """The upstream has no such subdir."""


class Looking:
    """Looks for the documents of one subdir."""

    def __init__(
        self,
        asking: Asking,
        request: SyncRequest,
        report: SyncReport,
        subdir: str,
        previous: SyncedSubdir | None,
    ) -> None:
        """Compare with what the `previous` sync has read, None if there was none."""
        self._asking = asking
        self._request = request
        self._report = report
        self._subdir = subdir
        self._previous = previous
        self._base = f"{request.remote.url.rstrip('/')}/{subdir}/"
        self._exports = RunExportsFile(asking, report, subdir, self._base, previous)
        refused = previous.shards_refused if previous else None
        self.shards_refused = refused if refused and refused > now() - SHARDS_AGAIN else None
        """When shards were absent or wrong, if that was lately."""

    def seen(self, *, conditional: bool) -> Iterator[Seen]:
        """Yield what the upstream has, from the document that is read first to the last.

        With `conditional` the upstream is asked for what is newer than the previous document.

        Raises:
            Unchanged: nothing is newer.
            WorseDocument: the newest one is empty, older or much smaller.
            NoDocument: the upstream has none of the documents.
            RunExportsLost: it lost run exports that the previous sync has read.
            UpstreamError: it does not answer.
        """
        found = False
        for name in self._names():
            try:
                answer = self._answer(name, conditional=conditional)
            except Absent:
                self._refuse(name)
                continue
            found = True
            try:
                seen = self._read(name, answer)
            except UnusableDocument as error:
                self._report.fault(f"{self._subdir}/{name}", str(error))
                self._refuse(name)
                continue
            self._check(seen)
            yield seen
            self._refuse(name)  # the caller has found what it names to be wrong
        if not found:
            raise NoDocument

    def _names(self) -> Sequence[str]:
        return _MONOLITHIC if self.shards_refused else (layout.REPODATA_SHARDS, *_MONOLITHIC)

    def _refuse(self, name: str) -> None:
        if name == layout.REPODATA_SHARDS:
            self.shards_refused = now()

    def _answer(self, name: str, *, conditional: bool) -> Answer:
        previous = self._previous if conditional else None
        headers = {}
        if previous and previous.document == name:
            if previous.etag:
                headers["If-None-Match"] = previous.etag
            elif previous.last_modified:
                headers["If-Modified-Since"] = previous.last_modified
        answer = self._get(name, headers)
        if previous and previous.document == name and _is_same(previous, answer):
            is_sent = answer.status != _NOT_MODIFIED
            if not self._exports.has_changed():
                if is_sent:
                    previous.etag = answer.headers.get("ETag", "")
                    previous.last_modified = answer.headers.get("Last-Modified", "")
                raise Unchanged
            if not is_sent:
                answer = self._get(name, {})
        return answer

    def _get(self, name: str, headers: dict[str, str]) -> Answer:
        limit = _MAX_INDEX_BYTES if name == layout.REPODATA_SHARDS else MAX_PACKED_BYTES
        return self._asking.get(self._base + name, limit=limit, headers=headers)

    def _read(self, name: str, answer: Answer) -> Seen:
        hosts = self._request.remote.allowed_hosts
        if name == layout.REPODATA_SHARDS:
            index = decode_shard_index(answer.body)
            self._report_faults(name, index.faults)
            self._check_subdir(index.subdir)
            urls = (
                self._asking.upstream.shown(files_url(self._base, index.base_url, hosts)),
                shards_url(self._base, index.shards_base_url, hosts),
            )
            return seen_shards(self._asking, self._subdir, answer, index, urls)
        document = _document(name, answer.body)
        self._report_faults(name, document.faults)
        self._check_subdir(document.subdir)
        exports = self._exports.add_to(document, force=self._request.options.force)
        base = self._asking.upstream.shown(files_url(self._base, document.base_url, hosts))
        return seen_document(self._subdir, name, answer, document, base, exports)

    def _report_faults(self, name: str, faults: Iterable[str]) -> None:
        for fault in faults:
            self._report.fault(f"{self._subdir}/{name}", fault)

    def _check_subdir(self, subdir: str | None) -> None:
        if subdir not in (None, self._subdir):
            reason = TrustedText("it is the document of another subdir")
            raise UnusableDocument(_DOCUMENT, reason)

    def _check(self, seen: Seen) -> None:
        """Refuse a document that is worse than the previous one."""
        previous = self._previous
        if previous is None or self._request.options.force:
            return
        path = f"{self._subdir}/{seen.document}"
        if _is_older(seen, previous):
            raise WorseDocument(path, "is older than the one that was read before")
        before, after = len(previous.names), len(seen.digests)
        if before and not after:
            raise WorseDocument(path, f"is empty, and had {before:,} names")
        most = self._request.remote.max_shrink
        if after < before * (100 - most) / 100:
            reason = (
                f"has {after:,} names and had {before:,}, which is a loss of more than {most} %"
            )
            raise WorseDocument(path, reason)


def _is_older(seen: Seen, previous: SyncedSubdir) -> bool:
    """Return whether a document is older than the previous one, as far as both say their times."""
    if seen.created:
        return previous.created is not None and seen.created < previous.created
    if seen.document != previous.document:
        return False
    now_said, said_before = map(
        _time, (seen.answer.headers.get("Last-Modified"), previous.last_modified)
    )
    return now_said is not None and said_before is not None and now_said < said_before


def _time(header: str | None) -> datetime | None:
    """Return the time that a header says, None if it is not a time."""
    try:
        found = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_same(previous: SyncedSubdir, answer: Answer) -> bool:
    """Return whether an upstream has sent again what the previous sync has read."""
    if answer.status == _NOT_MODIFIED:
        return True
    return hashlib.sha256(answer.body).hexdigest() == previous.sha256


def _document(name: str, body: bytes) -> Document:
    """Return a `repodata.json`. Its text may be larger than memory, and goes to a file."""
    with NamedTemporaryFile(dir=".") as file:
        for block in text_blocks(name, body):
            file.write(block)
        file.flush()
        return read_document(Path(file.name))
