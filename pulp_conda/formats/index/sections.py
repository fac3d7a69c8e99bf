"""The sections of documents: JSON objects with one fragment for each file or name."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from pulp_conda.formats.identifiers import Extension


class Section(IntEnum):
    """A JSON object in one document of a channel.

    Saved manifests contain these numbers: never use one again for another section.
    """

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


class RecordSections(NamedTuple):
    """The sections of one repodata document (CEP 36, 48)."""

    packages: Section
    packages_conda: Section
    v3_tar_bz2: Section
    v3_conda: Section

    def section_of(self, extension: Extension, *, v3: bool) -> Section:
        """Return the section that the record of a package belongs to."""
        if extension == "conda":
            return self.v3_conda if v3 else self.packages_conda
        return self.v3_tar_bz2 if v3 else self.packages


RECORDS: Final = RecordSections(
    Section.PACKAGES, Section.PACKAGES_CONDA, Section.V3_TAR_BZ2, Section.V3_CONDA
)
"""The sections of `repodata.json`."""

ORIGINALS: Final = RecordSections(
    Section.ORIGINAL_PACKAGES,
    Section.ORIGINAL_PACKAGES_CONDA,
    Section.ORIGINAL_V3_TAR_BZ2,
    Section.ORIGINAL_V3_CONDA,
)
"""The sections of `repodata_from_packages.json`."""

CURRENT: Final = (Section.CURRENT_PACKAGES, Section.CURRENT_PACKAGES_CONDA)
"""The sections of `current_repodata.json`."""
