"""Repodata patches: uploaded as content, applied by the index, undone by a rollback."""

import json
from typing import Any

import msgspec
import pytest
import requests
import zstandard

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account
from tests.functional.channels import repository_of
from tests.functional.clients import solve_from
from tests.functional.harness import Rest, RunningServer
from tests.functional.patches import PATCHES, patch_package, patched, send


def fetch(base: str, path: str) -> Any:
    answer = requests.get(f"{base}/{path}", timeout=30)
    assert answer.ok, f"{path}: {answer.status_code}"
    return answer.content


def index(base: str, document: str = "repodata.json", subdir: str = "noarch") -> Any:
    """Return a document, which must equal its compressed variant."""
    plain = fetch(base, f"{subdir}/{document}")
    packed = fetch(base, f"{subdir}/{document}.zst")
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == plain
    return json.loads(plain)


def shard(base: str, name: str) -> Any:
    shards = unpacked(fetch(base, "noarch/repodata_shards.msgpack.zst"))["shards"]
    return unpacked(fetch(base, f"noarch/shards/{shards[name].hex()}.msgpack.zst"))


def unpacked(data: bytes) -> Any:
    return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompressobj().decompress(data))


@pytest.fixture
def channel(server: RunningServer, owner: str) -> str:
    """A channel with dep 1.0 and 2.0 and some packages that depend on it."""
    base = server.channel(owner)
    exports = b'{"weak": ["demo >=1"]}'
    packages = [
        PackageBuilder("dep", "1.0"),
        PackageBuilder("dep", "2.0"),
        PackageBuilder("demo").depends("dep").document("run_exports.json", exports),
        PackageBuilder("gone"),
        PackageBuilder("bad").depends("dep"),
        PackageBuilder("other"),
    ]
    for package in packages:
        assert server.put(f"{base}/x.conda", package.conda()).status_code == 201
    return base


INSTRUCTIONS = {
    "patch_instructions_version": 2,
    "packages": {
        "demo-1.0-0.tar.bz2": {"depends": ["dep <2"], "run_exports": {"weak": ["demo >=1,<2"]}}
    },
    "packages.conda": {"absent-1.0-0.conda": {"license": "MIT"}},
    "remove": ["gone-1.0-0.conda"],
    "revoke": ["bad-1.0-0.tar.bz2"],
}


def patched_records(before: Any) -> Any:
    """Return the records of `INSTRUCTIONS` applied to an index, times of indexing included."""
    records = json.loads(json.dumps(before["packages.conda"]))
    del records["gone-1.0-0.conda"]
    records["demo-1.0-0.conda"]["depends"] = ["dep <2"]
    records["bad-1.0-0.conda"]["depends"].append("package_has_been_revoked")
    records["bad-1.0-0.conda"]["revoked"] = True
    return records


def check_repodata(channel: str, before: Any, expected: Any) -> None:
    """Check that repodata has the patched records, and the original ones beside them."""
    after = index(channel)
    assert after["packages.conda"] == expected
    assert after["removed"] == ["gone-1.0-0.conda"]
    current = index(channel, "current_repodata.json")["packages.conda"]
    assert current["demo-1.0-0.conda"] == expected["demo-1.0-0.conda"]
    original = index(channel, "repodata_from_packages.json")
    assert original["packages.conda"] == before["packages.conda"]


def check_other_documents(channel: str, expected: Any) -> None:
    """Check run exports, channeldata and shards."""
    exports = index(channel, "run_exports.json")["packages.conda"]
    assert exports["demo-1.0-0.conda"] == {"run_exports": {"weak": ["demo >=1,<2"]}}
    assert "gone-1.0-0.conda" not in exports
    described = json.loads(fetch(channel, "channeldata.json"))["packages"]
    assert "gone" not in described
    assert described["demo"]["run_exports"] == {"1.0": {"weak": ["demo >=1,<2"]}}
    in_shard = shard(channel, "demo")["packages.conda"]["demo-1.0-0.conda"]
    assert in_shard["depends"] == ["dep <2"]
    assert in_shard["run_exports"] == {"weak": ["demo >=1,<2"]}
    assert in_shard["indexed_timestamp"] == expected["demo-1.0-0.conda"]["indexed_timestamp"]
    assert shard(channel, "gone") == {
        "packages": {},
        "packages.conda": {},
        "removed": ["gone-1.0-0.conda"],
    }


def check_upload_keeps_the_patch(rest: Rest, channel: str, owner: str, expected: Any) -> None:
    """Upload a package: the patch stays, and the merged index equals one that is built anew."""
    assert rest.server.put(f"{channel}/x.conda", PackageBuilder("new").conda()).status_code == 201
    latest = repository_of(rest, owner)["latest_version_href"]
    present = rest.get(latest)["content_summary"]["present"]
    assert present["conda.repodata_patch"]["count"] == 1
    assert present["conda.package"]["count"] == 7
    assert index(channel)["packages.conda"].keys() == expected.keys() | {"new-1.0-0.conda"}
    assert "new-1.0-0.conda" in index(channel, "repodata_from_packages.json")["packages.conda"]
    documents = ("repodata.json", "repodata_from_packages.json", "repodata_shards.msgpack.zst")
    merged = [fetch(channel, f"noarch/{name}") for name in documents]
    rest.create("publications/conda/conda/", repository_version=latest)
    assert [fetch(channel, f"noarch/{name}") for name in documents] == merged


def test_every_document_is_patched_and_a_rollback_undoes_it(
    rest: Rest, channel: str, owner: str
) -> None:
    before = index(channel)
    expected = patched_records(before)
    assert solve_from([channel], ["demo"]) == ["demo-1.0-0.conda", "dep-2.0-0.conda"]
    repository = repository_of(rest, owner)
    href = repository["pulp_href"]
    (unit,) = patched(rest, INSTRUCTIONS, subdir="noarch", repository=href)
    counts = [unit[name] for name in ("changed", "revoked", "removed")]
    assert (unit["subdir"], counts) == ("noarch", [2, 1, 1])
    check_repodata(channel, before, expected)
    check_other_documents(channel, expected)
    assert solve_from([channel], ["demo"]) == ["demo-1.0-0.conda", "dep-1.0-0.conda"]
    check_upload_keeps_the_patch(rest, channel, owner, expected)

    rollback = {"base_version": repository["latest_version_href"]}
    rest.wait(rest.request("POST", f"{href}modify/", json=rollback))
    restored = index(channel)
    assert restored["packages.conda"] == before["packages.conda"]
    assert restored["removed"] == ["new-1.0-0.conda"]
    assert "gone" in json.loads(fetch(channel, "channeldata.json"))["packages"]
    answer = requests.get(f"{channel}/noarch/repodata_from_packages.json", timeout=30)
    assert answer.status_code == 404
    assert solve_from([channel], ["demo"]) == ["demo-1.0-0.conda", "dep-2.0-0.conda"]


def test_a_package_brings_patches_for_several_subdirs_in_one_version(
    rest: Rest, server: RunningServer, channel: str, owner: str
) -> None:
    native = PackageBuilder("native").subdir("linux-64").conda()
    assert server.put(f"{channel}/x.conda", native).status_code == 201
    repository = repository_of(rest, owner)
    href, number = repository["pulp_href"], int(repository["latest_version_href"].split("/")[-2])
    package = patch_package(
        noarch={"packages.conda": {"demo-1.0-0.conda": {"license": "A"}}},
        linux_64={"packages.conda": {"native-1.0-0.conda": {"license": "B"}}},
        osx_64={"remove": ["never-1.0-0.conda"]},
    )
    units = patched(rest, package, repository=href)
    assert [unit["subdir"] for unit in units] == ["linux-64", "noarch", "osx-64"]
    assert repository_of(rest, owner)["latest_version_href"].endswith(f"/{number + 1}/")
    assert index(channel)["packages.conda"]["demo-1.0-0.conda"]["license"] == "A"
    linux = index(channel, subdir="linux-64")["packages.conda"]
    assert linux["native-1.0-0.conda"]["license"] == "B"
    channeldata = requests.get(f"{channel}/channeldata.json", timeout=30).json()
    assert channeldata["subdirs"] == ["linux-64", "noarch"], "patches alone make no subdir"

    assert patched(rest, package, repository=href) == units
    assert repository_of(rest, owner)["latest_version_href"].endswith(f"/{number + 1}/")
    (again,) = rest.get(PATCHES, sha256=units[0]["sha256"], subdir=units[0]["subdir"])["results"]
    assert again == units[0]
    assert rest.get(again["artifact"])["sha256"] == again["sha256"]

    newer = {"packages.conda": {"other-1.0-0.conda": {"license": "C"}}}
    patched(rest, newer, subdir="noarch", repository=href)
    records = index(channel)["packages.conda"]
    assert "license" not in records["demo-1.0-0.conda"]
    assert records["other-1.0-0.conda"]["license"] == "C"
    latest = repository_of(rest, owner)["latest_version_href"]
    held = rest.get(PATCHES, repository_version=latest, subdir__in="noarch,linux-64")["results"]
    assert sorted(unit["subdir"] for unit in held) == ["linux-64", "noarch"]

    patched(rest, {}, subdir="noarch", repository=href)
    assert "license" not in index(channel)["packages.conda"]["other-1.0-0.conda"]


def test_a_patch_moves_a_record_under_v3(rest: Rest, channel: str, owner: str) -> None:
    href = repository_of(rest, owner)["pulp_href"]
    rest.update(href, v3_documents=["repodata", "shards"])
    entry = {"depends": ["dep <2[when='__unix']"]}
    patched(rest, {"packages.conda": {"demo-1.0-0.conda": entry}}, subdir="noarch", repository=href)
    document = index(channel)
    assert "demo-1.0-0.conda" not in document["packages.conda"]
    moved = document["v3"]["conda"]["demo-1.0-0"]
    assert moved["depends"] == ['dep[version="<2",when="__unix"]']
    assert "demo-1.0-0.conda" in index(channel, "repodata_from_packages.json")["packages.conda"]
    assert solve_from([channel], ["demo"]) == ["demo-1.0-0.conda", "dep-1.0-0.conda"]


def test_invalid_patch_requests_are_refused_at_once(rest: Rest, owner: str) -> None:
    refusals = [
        ({}, {}, "required"),
        ({}, {"subdir": "no subdir"}, "subdir"),
        (patch_package(noarch={}), {"subdir": "noarch"}, "itself"),
        ({}, {"subdir": "noarch", "repository": "/nowhere/"}, "repository"),
    ]
    for content, fields, reason in refusals:
        answer = send(rest, content, **fields)
        assert answer.status_code == 400
        assert reason in answer.text


BROKEN: list[tuple[object, str]] = [
    (b"[]", "invalid-json"),
    ({"patch_instructions_version": 3}, "known are 1 and 2"),
    ({"packages": {"demo-1.0-0.conda": {"sha256": "0"}}}, "demo-1.0-0.conda of noarch"),
    (PackageBuilder().conda(), "missing-document"),
    (PackageBuilder().conda()[:-30], "zip"),
    (patch_package(noarch={}, linux_64={"packages": {"a-1-0.conda": {"depends": 5}}}), "depends"),
]


def test_a_broken_rule_fails_the_task_and_leaves_nothing(rest: Rest, owner: str) -> None:
    repository = rest.create("repositories/conda/conda/", name=owner)
    units = rest.get(PATCHES)["count"]
    for content, reason in BROKEN:
        is_package = isinstance(content, bytes) and content.startswith(b"PK")
        fields = {} if is_package else {"subdir": "noarch"}
        answer = send(rest, content, repository=repository["pulp_href"], **fields)
        error = str(rest.wait(answer, state="failed")["error"])
        assert "CND0002" in error
        assert reason in error
    assert rest.get(PATCHES)["count"] == units
    assert rest.get(repository["pulp_href"]) == repository


def test_patching_requires_the_right_to_modify_the_channel(
    rest: Rest, server: RunningServer, channel: str, owner: str
) -> None:
    href = repository_of(rest, owner)["pulp_href"]
    account = new_account(server)
    account.give("conda.channel_publisher", href)
    refused = send(account.rest, INSTRUCTIONS, subdir="noarch", repository=href)
    assert refused.status_code == 403
    without = send(account.rest, INSTRUCTIONS, subdir="noarch")
    assert without.status_code == 400
    assert "repository" in without.text
    account.give("conda.channel_maintainer", href)
    (unit,) = patched(account.rest, INSTRUCTIONS, subdir="noarch", repository=href)
    assert unit["subdir"] == "noarch"
    assert index(channel)["removed"] == ["gone-1.0-0.conda"]
