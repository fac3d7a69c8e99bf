"""Records that were not validated: an odd one is published unchanged, and blocks no other."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.formats.channels import SUBDIR, Channel, parsed, record

_FIELDS = (
    "version", "build", "build_number", "subdir", "depends", "constrains", "track_features",
    "features", "license", "md5", "sha256", "size", "timestamp", "noarch", "schema_version",
    "flags", "extra_depends", "revoked",
)  # fmt: skip
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value % 1 != 0)
    | st.sampled_from(["", "1", "a", "a[when='b']", "a[extras=x]", "ü", "0" * 32, "z" * 64, "["])
)
_VALUES = _SCALARS | st.lists(_SCALARS, max_size=2) | st.dictionaries(
    st.text(max_size=3), _SCALARS | st.lists(_SCALARS, max_size=2), max_size=2
)  # fmt: skip


class _OddChannel(Channel):
    """A channel whose columns, the source of channeldata, are valid for any record."""

    def described(self, names: Any = None) -> Any:
        return iter(())


@given(
    st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=4),
    st.sets(st.sampled_from(_FIELDS), max_size=2),
)
@settings(max_examples=100)
def test_an_odd_record_is_published_beside_all_others(
    tmp_path_factory: pytest.TempPathFactory, odd: dict[str, Any], lacking: set[str]
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    channel = _OddChannel(record("b", "1", "a"), record("a", "0.5"))
    stated = {k: v for k, v in {**record("a", "1"), **odd}.items() if k not in lacking}
    channel.records["a-1-0.conda"] = stated
    shards: dict[str, bytes] = {}
    documents = channel.index(folder / "made", shards=shards)
    found = parsed(documents, "repodata.json")
    classic, newer = found["packages.conda"], found.get("v3", {}).get("conda", {})
    assert {"b-1-0.conda", "a-0.5-0.conda"} <= classic.keys()
    served = newer["a-1-0"] if "a-1-0" in newer else classic["a-1-0.conda"]
    assert served.pop("indexed_timestamp") == channel.now
    if not newer:
        assert served == stated
    assert served.keys() == stated.keys()
    shard = msgspec.msgpack.decode(
        zstandard.ZstdDecompressor().decompressobj().decompress(shards["a"])
    )
    assert "a-0.5-0.conda" in shard["packages.conda"]
    # The fields of a record must not affect the merge with other records.
    merged = channel.index(folder / "next", previous=documents, changed={"b"})
    assert merged[f"{SUBDIR}/repodata.json"] == documents[f"{SUBDIR}/repodata.json"]
    assert merged[f"{SUBDIR}/current_repodata.json"] == documents[f"{SUBDIR}/current_repodata.json"]


def test_another_channels_time_of_indexing_is_replaced(tmp_path: Path) -> None:
    channel = Channel(record("a", "1", indexed_timestamp=5))
    documents = channel.index(tmp_path / "made")
    text = documents[f"{SUBDIR}/repodata.json"]
    assert text.count(b"indexed_timestamp") == 1
    assert b'"indexed_timestamp":1700000001000' in text


def test_a_record_without_a_version_is_the_oldest(tmp_path: Path) -> None:
    channel = _OddChannel(record("a", "1"))
    channel.records["a-2-0.conda"] = {**record("a", "2"), "version": 2}
    documents = channel.index(tmp_path / "made")
    assert list(parsed(documents, "current_repodata.json")["packages.conda"]) == ["a-1-0.conda"]
