"""A package file that is to be fetched, as its record describes it."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

_SHA256_LENGTH = 64


class Origin(NamedTuple):
    """An upstream that has the file."""

    remote: UUID
    url: str
    """The file's URL, without a secret."""
    is_stored: bool
    """Whether its files are kept here."""


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A package file, as its record describes it."""

    content: UUID
    path: str
    """Subdir and file name."""
    size: int | None
    """None if the record does not say it."""
    digest: str
    """Its SHA-256, or its MD5 if the record has no other."""
    origins: tuple[Origin, ...]

    @property
    def algorithm(self) -> str:
        """The name of the digest's algorithm."""
        return "sha256" if len(self.digest) == _SHA256_LENGTH else "md5"
