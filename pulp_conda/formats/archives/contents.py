"""The result of the inspection of a package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pulp_conda.formats.identifiers import PackageFilename

Trait = Literal[
    "activate.d",
    "binary_prefix",
    "deactivate.d",
    "outside_links",
    "post_link",
    "pre_link",
    "pre_unlink",
    "text_prefix",
]


@dataclass(frozen=True, slots=True)
class PackageContents:
    """The metadata of a package, validated (CEP 34, CEP 35)."""

    filename: PackageFilename
    """Made from ``info/index.json``. The name of the uploaded file does not matter."""

    subdir: str

    index: dict[str, Any]
    """``info/index.json``, completed. ``records.build_record`` makes a record from it."""

    about: dict[str, Any]
    """The readable part of ``info/about.json``. ``about.describe`` selects the fields to store."""

    run_exports: dict[str, list[str]]
    """``info/run_exports.json``, with a list alone as ``weak``; empty without the document."""

    traits: frozenset[Trait]
    """The booleans of channeldata that are true (CEP 38), and ``outside_links`` if symbolic links
    lead out of the package."""
