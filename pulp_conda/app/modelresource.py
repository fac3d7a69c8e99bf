"""Refuses pulpcore's imports of channels, which are not supported yet."""

from collections.abc import Iterator
from typing import Never

from .exceptions import TransferNotSupportedError


class _Refusing:
    """Stands for the list of resources; an empty list would let the import succeed."""

    def __iter__(self) -> Iterator[Never]:
        raise TransferNotSupportedError(
            "An import of Pulp's own format", "Upload the packages to the channel."
        )


IMPORT_ORDER = _Refusing()
