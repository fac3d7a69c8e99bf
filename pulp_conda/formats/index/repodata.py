"""The elements of the JSON documents of a subdir, in their order (CEP 12, 36, 48)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from .sections import CURRENT, RecordSections, Section
from .shards import Revision

Element = bytes | Section
"""An element of a document is literal text or a section."""

_RUN_EXPORTS_VERSION: Final = 1
_ARCHITECTURES: Final = {"64": "x86_64", "32": "x86"}


def repodata(
    subdir: str, sections: RecordSections, removed: Sequence[str], revision: Revision | None
) -> list[Element]:
    """Return the elements of a repodata document.

    `revision` summarises its records under `v3`; None if it has none.
    """
    elements = _classic(subdir, sections.packages, sections.packages_conda, removed, revision)
    if revision:
        elements += [
            b',"v3":{"conda":{',
            sections.v3_conda,
            b'},"tar.bz2":{',
            sections.v3_tar_bz2,
            b"}}",
        ]
    return [*elements, b"}"]


def current_repodata(subdir: str, removed: Sequence[str]) -> list[Element]:
    """Return the elements of `current_repodata.json`.

    It has no `v3`, because its readers do not know it.

    The document equals `repodata.json` if that has no `v3` and every record is current.
    """
    return [*_classic(subdir, *CURRENT, removed, None), b"}"]


def run_exports(subdir: str) -> list[Element]:
    """Return the elements of `run_exports.json` (CEP 12)."""
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
) -> list[Element]:
    info = msgspec.json.encode({**revisions(revision), "subdir": subdir})
    return [
        b'{"info":' + info + b',"packages":{',
        packages,
        b'},"packages.conda":{',
        packages_conda,
        b'},"removed":' + msgspec.json.encode(removed) + b',"repodata_version":1',
    ]
