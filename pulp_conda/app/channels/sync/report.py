"""What a sync tells the user."""

from dataclasses import dataclass, field
from typing import Any

from .difference import LISTED, Difference


@dataclass
class SyncReport:
    """The result of a sync, as it grows."""

    subdirs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """How each subdir was read."""
    requests: int = 0
    bytes: int = 0
    """Received from the upstream."""
    names: int = 0
    """Names that were compared, in all subdirs."""
    filtered: int = 0
    """Packages that the remote's filters left out."""
    fault_count: int = 0
    _faults: list[dict[str, str]] = field(default_factory=list)
    difference: Difference | None = None
    version: int | None = None
    """The number of the channel's version that has what the upstream has."""

    def read(self, subdir: str, document: str, names: int, compared: int) -> None:
        """Add a subdir that was read: its document, its names, and how many were compared."""
        if names or compared:  # many servers have an empty index for every platform
            self.subdirs[subdir] = {"document": document, "names": names, "compared": compared}
        self.names += compared

    def fault(self, path: str, reason: str) -> None:
        """Add what could not be taken from the upstream."""
        self.fault_count += 1
        if len(self._faults) < LISTED:
            self._faults.append({"path": path, "fault": reason})

    @property
    def first_fault(self) -> str:
        """The first of the faults, as one text; empty without any."""
        first = next(iter(self._faults), None)
        return f"{first['path']}: {first['fault']}" if first else ""

    def result(self) -> dict[str, Any]:
        """Return the result of the task; lists have the first thousand entries."""
        counts = self.difference.counts if self.difference else {}
        paths = self.difference.paths if self.difference else {}
        return {
            "version": self.version,
            "counts": {**counts, "filtered": self.filtered, "faults": self.fault_count},
            "listed": {change: listed for change, listed in paths.items() if listed},
            "faults": self._faults,
            "subdirs": self.subdirs,
            "names": self.names,
            "requests": self.requests,
            "bytes": self.bytes,
        }
