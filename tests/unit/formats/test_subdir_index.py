"""The documents of a subdir, built anew and from the previous ones."""

import bz2
import json
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pulp_conda.formats import layout
from pulp_conda.formats.index import parts
from pulp_conda.formats.index.manifest import MANIFEST
from pulp_conda.formats.index.options import V3_DOCUMENTS
from pulp_conda.formats.index.shards import Patched
from pulp_conda.formats.run_exports import RunExports
from tests.unit.formats.channels import (
    SUBDIR,
    Channel,
    Documents,
    Record,
    filename,
    parsed,
    previous_index,
    record,
)

Folder = Callable[[], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    numbers = iter(range(1000))
    return lambda: tmp_path / str(next(numbers))


def unpacked(data: bytes) -> bytes:
    """Decompress in one call, which needs the size in the frame's header."""
    return zstandard.ZstdDecompressor().decompress(data)


def shard_index(documents: Documents) -> Any:
    return msgspec.msgpack.decode(unpacked(documents[f"{SUBDIR}/{layout.REPODATA_SHARDS}"]))


def test_an_empty_subdir_has_every_document(folder: Folder) -> None:
    documents = Channel().index(folder())
    for name in ("repodata.json", "current_repodata.json"):
        assert parsed(documents, name) == {
            "info": {"subdir": "linux-64"}, "packages": {}, "packages.conda": {}, "removed": [],
            "repodata_version": 1,
        }  # fmt: skip
    assert parsed(documents, "run_exports.json") == {
        "info": {"arch": "x86_64", "platform": "linux", "subdir": "linux-64", "version": 1},
        "packages": {}, "packages.conda": {},
    }  # fmt: skip
    assert shard_index(documents) == {
        "version": 1,
        "info": {
            "subdir": "linux-64", "base_url": "", "shards_base_url": "./shards/",
            "created_at": "2023-11-14T22:13:20Z",
        },
        "shards": {},
    }  # fmt: skip
    assert json.loads(documents["channeldata.json"]) == {
        "channeldata_version": 1, "packages": {}, "subdirs": ["linux-64"],
    }  # fmt: skip


def test_formats_go_into_their_own_maps(folder: Folder) -> None:
    channel = Channel(
        record("a", "1"), record("a", "1", extension="tar.bz2"), record("b", "1"),
        record("b", "1", build="1", extension="tar.bz2", exports={"weak": ["b >=1"]}),
    )  # fmt: skip
    documents = channel.index(folder())
    found = parsed(documents, "repodata.json")
    assert list(found["packages"]) == ["a-1-0.tar.bz2", "b-1-1.tar.bz2"]
    assert list(found["packages.conda"]) == ["a-1-0.conda", "b-1-0.conda"]
    assert found["packages.conda"]["a-1-0.conda"] == {
        **record("a", "1"), "indexed_timestamp": 1_700_000_001_000,
    }  # fmt: skip
    exports = parsed(documents, "run_exports.json")
    assert exports["packages"]["b-1-1.tar.bz2"] == {"run_exports": {"weak": ["b >=1"]}}
    assert exports["packages.conda"]["b-1-0.conda"] == {"run_exports": {}}


def test_compressed_variants_hold_the_very_same_bytes(folder: Folder) -> None:
    documents = Channel(*(record("a", str(n)) for n in range(300))).index(folder())
    for name in ("repodata.json", "current_repodata.json"):
        plain = documents[f"{SUBDIR}/{name}"]
        assert unpacked(documents[f"{SUBDIR}/{name}.zst"]) == plain
        assert bz2.decompress(documents[f"{SUBDIR}/{name}.bz2"]) == plain
    plain = documents[f"{SUBDIR}/run_exports.json"]
    assert unpacked(documents[f"{SUBDIR}/run_exports.json.zst"]) == plain


def test_a_shard_is_called_by_its_digest_and_holds_bytes(folder: Folder) -> None:
    digests = {"md5": "0" * 31 + "a", "sha256": "f" * 64}
    channel = Channel(
        record("a", "1", exports={"strong": ["a"]}, **digests), record("a", "2", md5=None)
    )
    shards: dict[str, bytes] = {}
    index = shard_index(channel.index(folder(), shards=shards))
    assert index["shards"] == {"a": sha256(shards["a"]).digest()}
    assert index["info"]["created_at"] == "2023-11-14T22:13:21Z"
    shard = msgspec.msgpack.decode(unpacked(shards["a"]))
    assert shard["packages"] == {}
    first = shard["packages.conda"]["a-1-0.conda"]
    assert first["sha256"] == b"\xff" * 32
    assert first["md5"] == bytes(15) + b"\x0a"
    assert first["run_exports"] == {"strong": ["a"]}
    assert first["indexed_timestamp"] == 1_700_000_001_000
    assert shard["packages.conda"]["a-2-0.conda"]["run_exports"] == {}


def test_unknown_run_exports_are_in_no_document(folder: Folder) -> None:
    channel = Channel(
        record("a", "1", exports=None), record("a", "2", exports={}), record("b", "1", exports=None)
    )
    shards: dict[str, bytes] = {}
    documents = channel.index(folder(), shards=shards)
    exports = parsed(documents, "run_exports.json")
    assert exports["packages.conda"] == {"a-2-0.conda": {"run_exports": {}}}
    shard = msgspec.msgpack.decode(unpacked(shards["a"]))["packages.conda"]
    assert "run_exports" not in shard["a-1-0.conda"]
    assert shard["a-2-0.conda"]["run_exports"] == {}
    found = parsed(documents, "repodata.json")["packages.conda"]
    assert set(found) == {"a-1-0.conda", "a-2-0.conda", "b-1-0.conda"}


def test_whole_floats_of_mirrored_records_stay(folder: Folder) -> None:
    def patch(file: str, found: Record, exports: RunExports | None) -> Patched | None:
        return Patched({**found, "license": "MIT"} if file == "a-1-0.conda" else found, exports)

    channel = Channel(*(record("a", version, weight=8.0) for version in "12"))
    channel.records["a-3-0.conda"] = record("a", "3", weight=8.0, schema_version=3)
    documents = channel.index(folder(), patch=patch)
    text = documents[f"{SUBDIR}/repodata.json"].decode()
    assert text.count('"weight":8.0') == 3


def test_removed_files_are_listed_and_have_no_record(folder: Folder) -> None:
    channel = Channel(record("a", "1"), record("a", "2"), record("b", "1"))
    previous = channel.index(folder())
    del channel.records["a-1-0.conda"], channel.records["b-1-0.conda"]
    shards: dict[str, bytes] = {}
    after = channel.index(folder(), previous=previous, changed={"a", "b"}, shards=shards)
    found = parsed(after, "repodata.json")
    assert found["removed"] == ["a-1-0.conda", "b-1-0.conda"]
    assert set(found["packages.conda"]) == {"a-2-0.conda"}
    assert set(shard_index(after)["shards"]) == {"a"}
    assert msgspec.msgpack.decode(unpacked(shards["a"]))["removed"] == ["a-1-0.conda"]
    channel.records["b-1-0.conda"] = record("b", "1")
    again = parsed(channel.index(folder(), previous=after, changed={"b"}), "repodata.json")
    assert again["removed"] == ["a-1-0.conda"]
    stamped = again["packages.conda"]["b-1-0.conda"]["indexed_timestamp"]
    assert stamped == 1_700_000_001_000, "the time of its first coming"


def test_newer_records_are_under_v3_alone(folder: Folder) -> None:
    newer = record("a", "2", "b >=1", schema_version=3)
    channel = Channel(record("a", "1"), newer, record("b", "1"))
    shards: dict[str, bytes] = {}
    documents = channel.index(folder(), shards=shards)
    found = parsed(documents, "repodata.json")
    assert list(found) == sorted(found)
    assert set(found["packages.conda"]) == {"a-1-0.conda", "b-1-0.conda"}
    assert set(found["v3"]["conda"]) == {"a-2-0"}
    assert found["v3"]["conda"]["a-2-0"]["depends"] == ['b[version=">=1"]']
    assert found["v3"]["tar.bz2"] == {}
    revision = {"n_packages": 1, "oldest": 1_700_000_001_000, "newest": 1_700_000_001_000}
    assert found["info"]["repodata_revisions"] == {"v3": revision}
    assert shard_index(documents)["info"]["repodata_revisions"] == {"v3": revision}
    shard = msgspec.msgpack.decode(unpacked(shards["a"]))
    assert set(shard["v3"]["conda"]) == {"a-2-0"}
    assert "v3" not in parsed(documents, "current_repodata.json")
    assert "a-2-0.conda" in parsed(documents, "run_exports.json")["packages.conda"]


@pytest.mark.parametrize("v3_documents", [(), ("repodata",), ("shards",)])
def test_newer_records_are_in_the_chosen_documents(
    folder: Folder, v3_documents: tuple[str, ...]
) -> None:
    newer = [record(name, "2", schema_version=3) for name in ("a", "newer")]
    channel = Channel(record("a", "1"), *newer)
    shards: dict[str, bytes] = {}
    documents = channel.index(
        folder(), shards=shards, v3_documents=v3_documents, patch=lambda _, *found: Patched(*found)
    )
    for name in ("repodata.json", "repodata_from_packages.json"):
        found = parsed(documents, name)
        assert ("v3" in found) is ("repodata" in v3_documents)
        assert ("repodata_revisions" in found["info"]) is ("repodata" in v3_documents)
        assert set(found["packages.conda"]) == {"a-1-0.conda"}
    info = shard_index(documents)["info"]
    assert ("repodata_revisions" in info) is ("shards" in v3_documents)
    assert info["created_at"] == "2023-11-14T22:13:21Z"
    # A name has no shard if no client would find a record in it.
    assert set(shards) == ({"a", "newer"} if "shards" in v3_documents else {"a"})
    shard = msgspec.msgpack.decode(unpacked(shards["a"]))
    assert ("v3" in shard) is ("shards" in v3_documents)
    assert set(shard["packages.conda"]) == {"a-1-0.conda"}


def test_patches_change_records_and_leave_those_of_the_packages(folder: Folder) -> None:
    def patch(file: str, found: Record, exports: RunExports | None) -> Patched | None:
        if file == "a-1-0.conda":
            return None
        return Patched({**found, "license": "MIT"}, {"weak": ["x"]})

    channel = Channel(record("a", "1"), record("a", "2"))
    documents = channel.index(folder(), patch=patch)
    found = parsed(documents, "repodata.json")
    assert found["removed"] == ["a-1-0.conda"]
    assert found["packages.conda"]["a-2-0.conda"]["license"] == "MIT"
    original = parsed(documents, "repodata_from_packages.json")
    assert set(original["packages.conda"]) == {"a-1-0.conda", "a-2-0.conda"}
    assert "license" not in original["packages.conda"]["a-2-0.conda"]
    assert original["removed"] == []
    exports = parsed(documents, "run_exports.json")["packages.conda"]
    assert exports == {"a-2-0.conda": {"run_exports": {"weak": ["x"]}}}


def test_only_the_chosen_documents_are_built(folder: Folder) -> None:
    made = Channel(record("a", "1")).index(folder(), documents=())
    own = {path for path in made if path.startswith(SUBDIR)}
    assert own == {f"{SUBDIR}/{name}" for name in ("repodata.json", "repodata.json.zst", MANIFEST)}


def test_the_previous_index_is_not_changed_while_the_new_one_is_built(folder: Folder) -> None:
    channel = Channel(record("a", "1"), record("a", "2"))
    documents = channel.index(folder())
    previous = previous_index(documents, SUBDIR)
    as_it_was = previous.manifest.encode()
    # The choice of "a" for current_repodata.json changes, although no package of that name did.
    channel.records["c-1-0.conda"] = record("c", "1", "a <2")
    made = channel.index(folder(), previous=documents, previous_subdir=previous, changed={"c"})
    current = parsed(made, "current_repodata.json")["packages.conda"]
    assert set(current) == {"a-1-0.conda", "a-2-0.conda", "c-1-0.conda"}
    assert previous.manifest.encode() == as_it_was


def test_the_text_of_a_large_document_is_not_stored(folder: Folder) -> None:
    channel = Channel(*(record("a", str(n)) for n in range(300)))
    whole = channel.index(folder())
    channel.now -= 1000
    packed = channel.index(folder(), plain_max_bytes=10_000)
    large = {f"{SUBDIR}/{name}" for name in ("repodata.json", "current_repodata.json")}
    large.add(f"{SUBDIR}/run_exports.json")
    assert whole.keys() - packed.keys() == {path for path in large if len(whole[path]) > 10_000}
    assert {path: whole[path] for path in packed} == packed
    assert f"{SUBDIR}/repodata.json.bz2" in packed


_RECORDS = st.lists(
    st.builds(
        lambda name, version, build, kind, depends, extra: record(
            name, version, *depends, build=build, extension=kind, **extra
        ),
        st.sampled_from(["a", "a-b", "a_b", "b", "c", "é"]),
        st.sampled_from(["1", "2"]),
        st.sampled_from(["0", "1"]),
        st.sampled_from(["conda", "tar.bz2"]),
        st.lists(st.sampled_from(["a <2", "b", "c 1", "d"]), max_size=2),
        st.sampled_from(
            [{}, {}, {"schema_version": 3}, {"exports": {"weak": ["a"]}}, {"exports": None}]
        ),
    ),
    max_size=12,
)


@given(
    st.lists(_RECORDS, min_size=1, max_size=4),
    st.sets(st.sampled_from(V3_DOCUMENTS)),
    st.sampled_from([1, 300, 1000, parts.TARGET_BYTES]),
)
@settings(max_examples=200)
def test_an_index_built_from_the_previous_one_equals_one_built_anew(
    tmp_path_factory: pytest.TempPathFactory,
    contents: list[list[Record]],
    v3_documents: set[str],
    target_bytes: int,
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts, "TARGET_BYTES", target_bytes)
        _build_both_ways(tmp_path_factory.mktemp("index"), contents, v3_documents)


def _build_both_ways(folder: Path, contents: list[list[Record]], v3_documents: set[str]) -> None:
    channel = Channel()
    index = partial(channel.index, v3_documents=v3_documents)
    previous = index(folder / "first")
    for number, records in enumerate(contents):
        now = {filename(each): each for each in records}
        differ = {
            file
            for file in channel.records.keys() | now.keys()
            if channel.records.get(file) != now.get(file)
        }
        changed = {file.rsplit("-", 2)[0] for file in differ}
        channel.records = now
        shards: dict[str, bytes] = {}
        made = index(folder / f"a{number}", previous=previous, changed=changed, shards=shards)
        every: dict[str, bytes] = {}
        anew = index(folder / f"b{number}", shards=every)
        assert made == anew
        packed = {path: data for path, data in made.items() if path.endswith(layout.ZST)}
        assert all(unpacked(data) is not None for data in [*packed.values(), *shards.values()])
        variants = {p.removesuffix(layout.ZST): data for p, data in packed.items()}
        assert all(unpacked(variants[path]) == made[path] for path in variants.keys() & made.keys())
        assert shards.items() <= every.items()
        assert shard_index(made)["shards"] == {n: sha256(d).digest() for n, d in every.items()}
        previous = made
