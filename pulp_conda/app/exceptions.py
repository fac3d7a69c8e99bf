"""Failures that a task reports to its user, each with its own error code."""

from pulpcore.plugin.exceptions import PulpException


class DuplicatePackageError(PulpException):
    """A version of a channel would have two files of one path."""

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
    """Patch instructions, or a package that contains them, are invalid."""

    error_code = "CND0002"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return f"[{self.error_code}] The patches are refused: {self.reason}."


class TransferNotSupportedError(PulpException):
    """An export, import or replication would lose parts of a channel."""

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
    """A file could not be fetched from its URL. The message never says why (see `fetch`)."""

    error_code = "CND0004"

    def __str__(self) -> str:
        return f"[{self.error_code}] The file cannot be fetched from its URL."
