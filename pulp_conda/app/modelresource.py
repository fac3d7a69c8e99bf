"""What pulpcore imports into channels: nothing yet, and the import says so."""

from collections.abc import Iterator
from typing import Never

from .exceptions import TransferNotSupportedError


class _Refusing:
    """Stands for the list of resources, of which the import would take none for all there are."""

    def __iter__(self) -> Iterator[Never]:
        raise TransferNotSupportedError(
            "An import of Pulp's own format", "Upload the packages to the channel."
        )


IMPORT_ORDER = _Refusing()
