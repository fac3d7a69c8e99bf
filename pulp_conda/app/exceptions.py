"""Failures that a task reports to its user, each with a code of its own."""

from pulpcore.plugin.exceptions import PulpException


class DuplicatePackageError(PulpException):
    """One version of a channel was to hold two files under one path."""

    error_code = "CND0001"

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def __str__(self) -> str:
        return (
            f"[{self.error_code}] Two of the files to add are called {self.path}; "
            "a channel holds one file of a name."
        )


class InvalidPatchError(PulpException):
    """A file of patch instructions, or a package with some, breaks a rule."""

    error_code = "CND0002"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return f"[{self.error_code}] The patches are refused: {self.reason}."


class TransferNotSupportedError(PulpException):
    """Pulp was to carry a channel out of this server, or into it, and would leave parts behind."""

    error_code = "CND0003"

    def __init__(self, transfer: str, instead: str) -> None:
        super().__init__()
        self.transfer = transfer
        self.instead = instead

    def __str__(self) -> str:
        return (
            f"[{self.error_code}] {self.transfer} is not supported for conda channels yet: parts "
            f"of them would be missing. {self.instead}"
        )


class FetchError(PulpException):
    """A file could not be fetched from its URL; in the same words whatever the reason is."""

    error_code = "CND0004"

    def __str__(self) -> str:
        return f"[{self.error_code}] The file cannot be fetched from its URL."
