"""Failures that a task reports to its user, each with a code of its own."""

from pulpcore.plugin.exceptions import PulpException


class DuplicatePackageError(PulpException):
    """One version of a channel was to hold two packages under one path."""

    error_code = "CND0001"

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def __str__(self) -> str:
        return (
            f"[{self.error_code}] Two of the packages to add are called {self.path}; "
            "a channel holds one file of a name."
        )
