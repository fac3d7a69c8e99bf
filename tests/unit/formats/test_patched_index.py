"""After a change of patches alone, an index equals the one that is built anew."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulp_conda.formats import layout
from pulp_conda.formats.index.manifest import MANIFEST
from pulp_conda.formats.index.patch_instructions import parse_instructions
from pulp_conda.formats.index.patches import NOTHING, Instructions, changed_names
from pulp_conda.formats.limits import Limits
from tests.unit.formats.channels import SUBDIR, Channel, record

RECORDS = [
    record(name, version, "b >=1", build=build, extension=kind)
    for name in ("a", "b")
    for version, build, kind in (("1", "0", "conda"), ("1", "0", "tar.bz2"), ("2", "1", "conda"))
] + [record("c", "1", schema_version=3)]
FILES = st.sampled_from(
    ["a-1-0.conda", "a-1-0.tar.bz2", "a-2-1.tar.bz2", "b-1-0.tar.bz2", "b-2-1.conda", "c-1-0.conda"]
)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "depends": st.sampled_from([["b <2"], [], ["b[when=a]"]]),
        "license": st.sampled_from(["MIT", None]),
        "schema_version": st.sampled_from([None, 3]),
        "run_exports": st.just({"weak": ["a"]}),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {"patch_instructions_version": st.just(2)},
    optional={
        "packages": st.dictionaries(FILES, ENTRIES, max_size=2),
        "packages.conda": st.dictionaries(FILES, ENTRIES, max_size=2),
        "revoke": st.lists(FILES, max_size=1),
        "remove": st.lists(FILES, max_size=2),
    },
)


def parsed(document: Any) -> Instructions:
    return parse_instructions(
        json.dumps(document).encode(), subdir=SUBDIR, member="x", limits=Limits(), now=2e9
    )


@given(st.lists(DOCUMENTS, min_size=2, max_size=4))
@settings(max_examples=60)
def test_an_index_changes_with_its_patches(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("index")
    channel = Channel(*RECORDS)
    instructions = parsed(documents[0])
    previous = channel.index(folder / "first", patch=instructions.patch)
    for number, document in enumerate(documents[1:]):
        changed = changed_names(instructions, parsed(document))
        instructions = parsed(document)
        shards: dict[str, bytes] = {}
        made = channel.index(
            folder / f"a{number}",
            previous=previous,
            changed=changed,
            patch=instructions.patch,
            shards=shards,
        )
        every: dict[str, bytes] = {}
        anew = channel.index(folder / f"b{number}", patch=instructions.patch, shards=every)
        assert made == anew
        assert shards.items() <= every.items()
        previous = made


def test_patches_that_touch_nothing_leave_the_documents_as_they_are(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("index")
    channel = Channel(*RECORDS)
    plain = channel.index(folder / "a")
    patched = channel.index(folder / "b", patch=NOTHING.patch)
    assert {path: patched[path] for path in plain if MANIFEST not in path} == {
        path: data for path, data in plain.items() if MANIFEST not in path
    }
    for suffix in ("", layout.ZST):
        original = patched[f"{SUBDIR}/{layout.REPODATA_FROM_PACKAGES}{suffix}"]
        assert original == plain[f"{SUBDIR}/{layout.REPODATA}{suffix}"]
