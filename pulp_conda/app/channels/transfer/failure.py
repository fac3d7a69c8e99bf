"""Why a file could not be fetched."""

from datetime import timedelta

from pulp_conda.app.models import ABSENT, BUSY, REFUSED, UNAVAILABLE, WRONG

_PAUSES = {
    ABSENT: timedelta(minutes=1),
    REFUSED: timedelta(minutes=1),
    UNAVAILABLE: timedelta(seconds=5),
    BUSY: timedelta(seconds=5),
    WRONG: timedelta(minutes=10),
}
"""For how long nobody asks for a file again, unless the upstream says so itself."""


class FetchFailed(Exception):
    """A file could not be fetched from one upstream."""

    def __init__(
        self,
        status: str,
        reason: str,
        retry_after: timedelta | None = None,
        *,
        is_of_file: bool = True,
    ) -> None:
        super().__init__(reason)
        self.status = status
        """One of `models.fetch`."""
        self.retry_after = _PAUSES[status] if retry_after is None else retry_after
        self.is_of_file = is_of_file
        """Whether other processes need not try this file either."""
