"""The subdirs that a sync asks an upstream for."""

from collections.abc import Collection

from pulp_conda.app.models import CondaRemote
from pulp_conda.app.upstream import Absent
from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import KNOWN_SUBDIRS

from .asking import Asking

_NOARCH = "noarch"


def wanted_subdirs(remote: CondaRemote, asking: Asking, known: Collection[str]) -> list[str]:
    """Return the subdirs to read. `noarch` is the last: others have packages that depend on it.

    Without a choice of the remote these are all that the upstream has. `known` ones were there
    before, so the upstream is not asked whether it has them.

    Raises:
        UpstreamError: the upstream does not answer.
    """
    wanted = set(remote.subdirs)
    if not wanted:
        unknown = sorted(KNOWN_SUBDIRS - set(known) - {_NOARCH})
        found = asking.each(unknown, _Existence(remote, asking))
        wanted = {subdir for subdir, exists in zip(unknown, found, strict=True) if exists}
        wanted |= set(known)
    return [*sorted(wanted - {_NOARCH}), _NOARCH]


class _Existence:
    def __init__(self, remote: CondaRemote, asking: Asking) -> None:
        self._url = remote.url.rstrip("/")
        self._asking = asking

    async def __call__(self, subdir: str) -> bool:
        """Return whether the upstream has a subdir: every channel has its `repodata.json`."""
        try:
            await self._asking.find(f"{self._url}/{subdir}/{layout.REPODATA}")
        except Absent:
            return False
        return True
