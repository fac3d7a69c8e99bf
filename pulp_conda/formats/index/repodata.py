"""The parts of the JSON documents of a subdir, in their order (CEP 12, 36, 48)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from .sections import RecordSections, Section
from .shards import Revision

Part = bytes | Section
"""A part of a document is literal text or a section."""

_RUN_EXPORTS_VERSION: Final = 1
_ARCHITECTURES: Final = {"64": "x86_64", "32": "x86"}


def repodata(
    subdir: str, sections: RecordSections, removed: Sequence[str], revision: Revision | None
) -> list[Part]:
    """Return the parts of a repodata document.

    `revision` summarises its records under `v3`; None if it has none.
    """
    parts = _classic(subdir, sections.packages, sections.packages_conda, removed, revision)
    if revision:
        parts += [
            b',"v3":{"conda":{',
            sections.v3_conda,
            b'},"tar.bz2":{',
            sections.v3_tar_bz2,
            b"}}",
        ]
    return [*parts, b"}"]


def current_repodata(subdir: str, removed: Sequence[str]) -> list[Part]:
    """Return the parts of `current_repodata.json`, which has no `v3`: its readers do not know it.

    The document equals `repodata.json` if that has no `v3` and every record is current.
    """
    current = (Section.CURRENT_PACKAGES, Section.CURRENT_PACKAGES_CONDA)
    return [*_classic(subdir, *current, removed, None), b"}"]


def run_exports(subdir: str) -> list[Part]:
    """Return the parts of `run_exports.json` (CEP 12)."""
    platform, _, architecture = subdir.partition("-")
    info = {
        "arch": _ARCHITECTURES.get(architecture, architecture or platform),
        "platform": platform,
        "subdir": subdir,
        "version": _RUN_EXPORTS_VERSION,
    }
    return [
        b'{"info":' + msgspec.json.encode(info) + b',"packages":{',
        Section.RUN_EXPORTS,
        b'},"packages.conda":{',
        Section.RUN_EXPORTS_CONDA,
        b"}}",
    ]


def revisions(revision: Revision | None) -> dict[str, Any]:
    """Return the `repodata_revisions` of `info`; nothing without records under `v3` (CEP 48)."""
    if revision is None:
        return {}
    found = {
        "n_packages": revision.packages,
        "oldest": revision.oldest,
        "newest": revision.newest,
    }
    return {"repodata_revisions": {"v3": found}}


def _classic(
    subdir: str,
    packages: Section,
    packages_conda: Section,
    removed: Sequence[str],
    revision: Revision | None,
) -> list[Part]:
    info = msgspec.json.encode({**revisions(revision), "subdir": subdir})
    return [
        b'{"info":' + info + b',"packages":{',
        packages,
        b'},"packages.conda":{',
        packages_conda,
        b'},"removed":' + msgspec.json.encode(removed) + b',"repodata_version":1',
    ]
