"""The precedence of several instructions for one file."""

import json
from typing import Any

import pytest

from pulp_conda.formats.index.patch_instructions import parse_instructions
from pulp_conda.formats.limits import Limits

OLDER, NEWER = "demo-1.0-0.tar.bz2", "demo-1.0-0.conda"
RECORD: dict[str, Any] = {"name": "demo", "version": "1.0", "build": "0", "depends": []}


def licence(document: dict[str, Any], filename: str) -> object:
    """Return the license that a record has with these instructions."""
    text = json.dumps({"patch_instructions_version": 1, **document})
    instructions = parse_instructions(
        text.encode(), subdir="noarch", member="patch_instructions.json", limits=Limits(), now=2e9
    )
    patched = instructions.apply(filename, RECORD)
    assert patched is not None
    return patched.get("license")


@pytest.mark.parametrize("order", [(OLDER, NEWER), (NEWER, OLDER)])
def test_under_packages_a_file_of_the_newer_format_prefers_its_own_entry(
    order: tuple[str, str],
) -> None:
    licences = {OLDER: "of the older", NEWER: "of the newer"}
    document = {"packages": {name: {"license": licences[name]} for name in order}}
    assert licence(document, NEWER) == "of the newer"
    assert licence(document, OLDER) == "of the older"


def test_packages_conda_comes_last() -> None:
    document = {
        "packages": {OLDER: {"license": "A"}, NEWER: {"license": "B"}},
        "packages.conda": {NEWER: {"license": "C"}},
    }
    assert licence(document, NEWER) == "C"
    assert licence(document, OLDER) == "A"
