"""A record, and functions that parse and apply patch instructions, for tests of patches."""

import copy
import json
from typing import Any

from pulp_conda.formats.index.patch_instructions import parse_instructions
from pulp_conda.formats.index.patches import Instructions
from pulp_conda.formats.limits import Limits

NOW = 2.0e9
OLD, NEW = "demo-1.0-0.tar.bz2", "demo-1.0-0.conda"
RECORD: dict[str, Any] = {
    "name": "demo",
    "version": "1.0",
    "build": "0",
    "build_number": 0,
    "subdir": "noarch",
    "depends": ["a", "b >=1"],
    "constrains": ["c <2"],
    "license": "MIT",
    "extra_depends": {"x": ["d"], "y": ["e"]},
    "md5": "0" * 32,
    "sha256": "1" * 64,
    "size": 5,
    "indexed_timestamp": 1700000000000,
}


def parse(
    document: object, *, limits: Limits | None = None, subdir: str = "noarch"
) -> Instructions:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_instructions(
        data,
        subdir=subdir,
        member=f"{subdir}/patch_instructions.json",
        limits=limits or Limits(),
        now=NOW,
    )


def applied(document: object, filename: str = NEW) -> dict[str, Any] | None:
    return parse(document).apply(filename, copy.deepcopy(RECORD))
