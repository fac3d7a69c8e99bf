"""The documents of subdirs without packages, and which subdirs have them."""

from pathlib import Path

import pytest

from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import KNOWN_SUBDIRS
from pulp_conda.formats.index.empty import EmptyIndexOptions, empty_document
from pulp_conda.formats.index.options import OPTIONAL_DOCUMENTS
from tests.unit.formats.channels import SUBDIR, Channel

ALL = EmptyIndexOptions(frozenset(OPTIONAL_DOCUMENTS), 1024**2, 1_700_000_000_000)


def document(path: str, options: EmptyIndexOptions = ALL) -> bytes | None:
    parsed = layout.parse_path(path)
    assert parsed is not None
    return empty_document(parsed, options)


@pytest.mark.parametrize(
    "documents", [frozenset(), frozenset({"shards"}), ALL.documents], ids=["none", "one", "all"]
)
def test_a_platform_without_packages_has_what_an_empty_publication_has(
    tmp_path: Path, documents: frozenset[str]
) -> None:
    published = Channel().index(tmp_path / "index", documents=documents)
    for name in (*layout.SUBDIR_DOCUMENTS, layout.REPODATA_SHARDS, layout.RUN_EXPORTS_JSON):
        path = f"{SUBDIR}/{name}"
        assert document(path, ALL._replace(documents=documents)) == published.get(path), path


def test_every_platform_that_clients_know_has_documents() -> None:
    for subdir in KNOWN_SUBDIRS:
        found = document(f"{subdir}/repodata.json")
        assert found is not None
        assert f'"subdir":"{subdir}"'.encode() in found
    assert document("plan9-128/repodata.json") is None
    assert document("linux-64/repodata_from_packages.json") is None
    assert document("channeldata.json") is not None
    assert document("channeldata.json", ALL._replace(documents=frozenset())) is None


def test_bz2_compressed_variants_are_the_servers_choice() -> None:
    assert document("win-64/repodata.json.bz2") is not None
    assert document("win-64/repodata.json.bz2", ALL._replace(bz2_max_bytes=0)) is None
