"""The packages that a sync stages, as rows."""

import msgspec
from django.utils.timezone import now

from pulp_conda.app.channels.intake.unit_fields import mirrored_fields
from pulp_conda.app.models import CondaRemote, SyncedSubdir
from pulp_conda.formats.index.channeldata import timestamp_milliseconds
from pulp_conda.formats.upstream.errors import UnusableRecord
from pulp_conda.formats.upstream.filters import ImportFilter
from pulp_conda.formats.upstream.raw import RawRecords
from pulp_conda.formats.upstream.records import MirroredRecord, mirrored_record

from .report import SyncReport
from .staging import COLUMNS, Row


class Rows:
    """Makes the rows of a subdir's packages."""

    def __init__(
        self, remote: CondaRemote, report: SyncReport, subdir: str, previous: SyncedSubdir | None
    ) -> None:
        """Take what the filters of `remote` let through; `previous` is what the last sync read."""
        self._subdir = subdir
        self._report = report
        self._trusts = remote.trust_indexed
        self._previous = previous
        self._now = int(now().timestamp() * 1000)
        # A file that the upstream did not have then cannot have been there before.
        self._earliest = int(previous.checked.timestamp() * 1000) if previous else 0
        self.filter = ImportFilter(
            include=remote.include,
            exclude=remote.exclude,
            newest=remote.newest,
            max_bytes=remote.max_bytes,
            licenses=remote.licenses,
        )
        """The filters of the remote."""

    def of(self, name: str, raw: RawRecords) -> list[Row]:
        """Return the rows of a name; what is unusable is told in the report, and left out."""
        records = []
        for filename, record in raw.items():
            try:
                records.append(mirrored_record(filename, record, name=name, subdir=self._subdir))
            except UnusableRecord as error:
                self._report.fault(f"{self._subdir}/{filename}", str(error))
        chosen = self.filter.chosen(records)
        self._report.filtered += len(records) - len(chosen)
        return [self._row(record) for record in chosen]

    def _row(self, record: MirroredRecord) -> Row:
        fields = mirrored_fields(record)
        if record.run_exports is not None:
            fields["run_exports"] = msgspec.json.encode(record.run_exports).decode()
        fields["indexed"] = self._indexed(record)
        fields["misnamed"] = record.is_misnamed
        return tuple(fields[column] for column in COLUMNS)

    def _indexed(self, record: MirroredRecord) -> int | None:
        """Return when the file became available (CEP 47).

        Without a time of the upstream it is that of this sync. What was there before the first sync
        gets the time of its build.
        """
        if record.indexed is not None and self._trusts:
            return min(max(record.indexed, self._earliest), self._now)
        if self._previous:
            return self._now
        built = timestamp_milliseconds(record.timestamp)
        return min(built, self._now) if built else None
