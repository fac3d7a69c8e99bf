"""The JSON documents of a subdir (CEP 12, 36, 48): what stands in them, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from .sections import Maps, Section
from .shards import Revision

Part = bytes | Section
"""A document is made of literal text and of the pieces of sections."""

_RUN_EXPORTS_VERSION: Final = 1
_ARCHITECTURES: Final = {"64": "x86_64", "32": "x86"}


def repodata(
    subdir: str, maps: Maps, removed: Sequence[str], revision: Revision | None
) -> list[Part]:
    """Return the parts of a repodata document; `revision` is what it holds under `v3`."""
    parts = _classic(subdir, maps.packages, maps.packages_conda, removed, revision)
    if revision:
        parts += [b',"v3":{"conda":{', maps.v3_conda, b'},"tar.bz2":{', maps.v3_tar_bz2, b"}}"]
    return [*parts, b"}"]


def current_repodata(subdir: str, removed: Sequence[str]) -> list[Part]:
    """Return the parts of `current_repodata.json`, whose readers know no `v3`.

    Where nothing is left out it is `repodata.json` to the byte.
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
    """Return what `info` says of newer kinds of records, nothing without them (CEP 48)."""
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
