"""`run_exports.json`, which lies beside an upstream's `repodata.json` (CEP 12).

It changes without `repodata.json`, and can be lost without it. Run exports that were known once are
not given up: clients would then have to read them from each package.
"""

import hashlib
from typing import Final, NamedTuple

from pulp_conda.app.models import SyncedSubdir
from pulp_conda.app.upstream import Absent
from pulp_conda.formats import layout
from pulp_conda.formats.upstream.document import Document
from pulp_conda.formats.upstream.errors import UnusableDocument

from .asking import Asking
from .bodies import MAX_PACKED_BYTES, text_blocks
from .report import SyncReport

_VARIANTS: Final = (layout.RUN_EXPORTS_JSON + layout.ZST, layout.RUN_EXPORTS_JSON)
_NOT_MODIFIED: Final = 304


class ReadExports(NamedTuple):
    """The document of run exports that was read; empty texts if the upstream has none."""

    document: str = ""
    etag: str = ""
    sha256: str = ""


class RunExportsLost(Exception):
    """The run exports that the previous sync has read are absent or damaged now."""


class RunExportsFile:
    """The run exports of one subdir of an upstream."""

    def __init__(
        self,
        asking: Asking,
        report: SyncReport,
        subdir: str,
        base: str,
        previous: SyncedSubdir | None,
    ) -> None:
        """Ask below the URL `base`. `previous` is what the last sync has read."""
        self._asking = asking
        self._report = report
        self._subdir = subdir
        self._base = base
        self._previous = previous

    def has_changed(self) -> bool:
        """Return whether they differ from those that the previous sync has read.

        New ones of an upstream that had none are found when its `repodata.json` changes: else each
        sync would ask for two documents more, which most upstreams do not have.
        """
        previous = self._previous
        if previous is None or not previous.exports_document:
            return False
        name, etag = previous.exports_document, previous.exports_etag
        try:
            answer = self._asking.get(
                self._base + name,
                limit=MAX_PACKED_BYTES,
                headers={"If-None-Match": etag} if etag else {},
            )
        except Absent:
            return True
        if answer.status == _NOT_MODIFIED:
            return False
        return hashlib.sha256(answer.body).hexdigest() != previous.exports_sha256

    def add_to(self, document: Document, *, force: bool) -> ReadExports:
        """Add them to a `repodata.json`; return what was read. What is damaged is reported.

        Raises:
            RunExportsLost: the previous sync has read some, and now there are none that can be
                used. With `force` that is accepted.
        """
        for name in _VARIANTS:
            try:
                answer = self._asking.get(self._base + name, limit=MAX_PACKED_BYTES)
            except Absent:
                continue
            try:
                document.add_run_exports(b"".join(text_blocks(name, answer.body)))
            except UnusableDocument as error:
                self._report.fault(f"{self._subdir}/{name}", str(error))
                continue
            digest = hashlib.sha256(answer.body).hexdigest()
            return ReadExports(name, answer.headers.get("ETag", ""), digest)
        if self._previous and self._previous.exports_document and not force:
            raise RunExportsLost
        return ReadExports()
