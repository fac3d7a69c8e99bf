"""Add a saved package to a channel."""

from pulp_conda.app.models import (
    EXISTS,
    FULL,
    RETIRED,
    UPLOAD,
    CondaPackage,
    CondaRepository,
    PendingChange,
)

from .queue import Dispatch, apply


class PackageExists(Exception):
    """The channel already has a file of that name, with the same or other bytes."""

    def __init__(self, package: CondaPackage) -> None:
        super().__init__(f"package file already exists: {package.relative_path}")


class NameRetired(Exception):
    """The file name belonged to other bytes until recently."""

    def __init__(self, package: CondaPackage) -> None:
        super().__init__(
            f"another file was called {package.relative_path} until a short while ago, and clients "
            "may still have its hash; use another build number (the channel has immutable_names)"
        )


class ChannelFull(Exception):
    """The quota of the channel or of its owner is used up."""

    def __init__(self, package: CondaPackage) -> None:
        super().__init__(
            f"there is no room for {package.relative_path} ({package.size} bytes): the channel or "
            "its owner holds as much as this server allows"
        )


_REFUSALS = {EXISTS: PackageExists, RETIRED: NameRetired, FULL: ChannelFull}


def add(
    repository: CondaRepository, package: CondaPackage, dispatch: Dispatch, *, replace: bool = False
) -> None:
    """Wait until clients of the channel find the package in its index.

    If the repository does not publish by itself, wait until its latest version has the package.
    With `replace` the package may replace a file of the same name.

    Raises:
        PackageExists: the channel has a file of that name.
        NameRetired: the channel had other bytes of that name until recently.
        ChannelFull: the channel's or the owner's quota is used up.
        CommitTimeout, CommitFailed: see `queue.apply`.
    """
    upload = PendingChange(repository=repository, kind=UPLOAD, package=package, replaces=replace)
    outcome = apply(upload, dispatch)
    if outcome in _REFUSALS:
        raise _REFUSALS[outcome](package)
