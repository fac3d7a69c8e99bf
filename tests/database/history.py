"""What histories of channels are made of."""

from typing import NamedTuple

from hypothesis import strategies as st

from pulp_conda.app.failpoints import Failpoint
from tests.builders import PackageBuilder


def builders() -> list[PackageBuilder]:
    """Return two builds of each path: of several names, versions and subdirs."""
    return [
        PackageBuilder(name, version).subdir(subdir).depends(*depends).about(summary=summary)
        for name, version, subdir, depends in (
            ("a", "1", "noarch", ()),
            ("a", "2", "noarch", ()),
            ("b", "1", "noarch", ("a <2",)),
            ("b", "1", "linux-64", ("a",)),
        )
        for summary in ("one", "other")
    ]


def sometimes(*instants: Failpoint) -> st.SearchStrategy[Failpoint | None]:
    """Choose one of some instants to die at, or, in two of three cases, none."""
    return st.sampled_from([*[None] * (2 * len(instants)), *instants])


class Held(NamedTuple):
    """What a version of a channel holds."""

    packages: dict[str, str]
    """The sha256 of each path."""
    left_out: dict[str, frozenset[str]]
    """The file names that patches keep out of the index, by subdir."""

    @property
    def named(self) -> dict[str, str]:
        """What the index names."""
        hidden = {f"{subdir}/{name}" for subdir, names in self.left_out.items() for name in names}
        return {path: sha256 for path, sha256 in self.packages.items() if path not in hidden}
