"""The maps that a subdir's JSON documents are made of, piece by piece."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from pulp_conda.formats.identifiers import Extension


class Section(IntEnum):
    """A map of one of a channel's documents. Ledgers hold these numbers: never reuse one."""

    PACKAGES = 0
    PACKAGES_CONDA = 1
    V3_TAR_BZ2 = 2
    V3_CONDA = 3
    ORIGINAL_PACKAGES = 4
    ORIGINAL_PACKAGES_CONDA = 5
    ORIGINAL_V3_TAR_BZ2 = 6
    ORIGINAL_V3_CONDA = 7
    RUN_EXPORTS = 8
    RUN_EXPORTS_CONDA = 9
    CURRENT_PACKAGES = 10
    CURRENT_PACKAGES_CONDA = 11
    CHANNELDATA = 12


class Maps(NamedTuple):
    """The maps of one repodata document (CEP 36, 48)."""

    packages: Section
    packages_conda: Section
    v3_tar_bz2: Section
    v3_conda: Section

    def holding(self, extension: Extension, *, v3: bool) -> Section:
        """Return the map that a package's record belongs to."""
        if extension == "conda":
            return self.v3_conda if v3 else self.packages_conda
        return self.v3_tar_bz2 if v3 else self.packages


RECORDS: Final = Maps(
    Section.PACKAGES, Section.PACKAGES_CONDA, Section.V3_TAR_BZ2, Section.V3_CONDA
)
"""Of `repodata.json`."""

ORIGINALS: Final = Maps(
    Section.ORIGINAL_PACKAGES,
    Section.ORIGINAL_PACKAGES_CONDA,
    Section.ORIGINAL_V3_TAR_BZ2,
    Section.ORIGINAL_V3_CONDA,
)
"""Of `repodata_from_packages.json`."""
