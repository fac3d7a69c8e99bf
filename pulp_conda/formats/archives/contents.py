"""What the inspection of a package yields."""

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
    """The facts about a package that its own content states, all checked (CEP 34, CEP 35)."""

    filename: PackageFilename
    """Rebuilt from ``info/index.json``, whatever name the file came with."""

    subdir: str

    index: dict[str, Any]
    """``info/index.json``, completed; ``records.build_record`` makes the record of it."""

    about: dict[str, Any]
    """What can be read of ``info/about.json``; ``about.describe`` chooses what is kept."""

    run_exports: dict[str, list[str]]
    """``info/run_exports.json``; a bare list has become ``weak``; empty when absent."""

    traits: frozenset[Trait]
    """The names of those booleans of channeldata that are true (CEP 38), and ``outside_links`` for
    a package with symbolic links that lead out of it."""
