"""Joining repodata from shards."""

import bz2
import io
import json
import random

import zstandard

from pulp_conda.formats.repodata import write_bz2, write_repodata
from pulp_conda.formats.shards import Member, build_shards


def written(members: list[Member]) -> tuple[bytes, bytes, int]:
    plain, zst = io.BytesIO(), io.BytesIO()
    records = write_repodata("linux-64", build_shards(members), plain, zst)
    return plain.getvalue(), zst.getvalue(), records


def member(name: str, version: str, extension: str = "conda") -> Member:
    filename = f"{name}-{version}-0.{extension}"
    return Member(name, filename, extension, json.dumps({"name": name, "version": version}))  # type: ignore[arg-type]


def test_an_empty_subdir_has_a_whole_document() -> None:
    plain, _, records = written([])
    assert records == 0
    assert json.loads(plain) == {
        "info": {"subdir": "linux-64"},
        "packages": {},
        "packages.conda": {},
        "removed": [],
        "repodata_version": 1,
    }


def test_formats_go_into_their_own_maps() -> None:
    members = [
        member("a", "1"), member("a", "1", "tar.bz2"), member("b", "1", "tar.bz2"),
        member("c", "1"), member("c", "2"),
    ]  # fmt: skip
    plain, zst, records = written(members)
    document = json.loads(plain)
    assert records == 5
    assert list(document["packages"]) == ["a-1-0.tar.bz2", "b-1-0.tar.bz2"]
    assert list(document["packages.conda"]) == ["a-1-0.conda", "c-1-0.conda", "c-2-0.conda"]
    assert document["packages.conda"]["c-2-0.conda"] == {"name": "c", "version": "2"}
    assert zstandard.ZstdDecompressor().decompressobj().decompress(zst) == plain


def test_equal_members_give_equal_bytes() -> None:
    members = [member(f"p{number:03}", "1") for number in range(200)]
    again = sorted(random.Random(1).sample(members, 200))
    assert written(members)[:2] == written(again)[:2]


def test_a_bz2_twin_is_the_same_bytes_every_time() -> None:
    plain = written([member(f"p{number:05}", "1") for number in range(20_000)])[0]
    twins = [io.BytesIO(), io.BytesIO()]
    for twin in twins:
        write_bz2(io.BytesIO(plain), twin)
    assert bz2.decompress(twins[0].getvalue()) == plain
    assert twins[0].getvalue() == twins[1].getvalue()
