"""Sharded repodata, and the documents beside it, as clients read them over HTTP."""

import json
import threading
import time
from hashlib import sha256

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.channels import delete, modify, repository_of, upload
from tests.functional.clients import solve_from
from tests.functional.harness import Rest, RunningServer
from tests.functional.recorder import Recorder
from tests.functional.shards import (
    VARIANT_SUFFIXES,
    everything,
    get,
    shard,
    shard_index,
    shard_path,
    unpacked,
)


@pytest.mark.parametrize("way", ["shards", "zst", "json"])
def test_a_client_solves_by_each_kind_of_index(server: RunningServer, owner: str, way: str) -> None:
    channel = server.channel(owner)
    upload(
        server, channel, PackageBuilder("app", "2.0").depends("lib >=1", "gone"),
        PackageBuilder("app", "1.0").depends("lib >=1").subdir("linux-64"),
        PackageBuilder("lib", "1.5"), PackageBuilder("unrelated"),
    )  # fmt: skip

    def hidden(path: str) -> bool:
        return (way != "shards" and "shards" in path) or (
            way == "json" and path.endswith(VARIANT_SUFFIXES)
        )

    with Recorder(server.origin, hidden) as recorder:
        through = channel.replace(server.origin, recorder.origin)
        assert solve_from([through], ["app"]) == ["app-1.0-0.conda", "lib-1.5-0.conda"]
        repodata = {name for name in recorder.fetched() if name.startswith("repodata.json")}
        shards = recorder.fetched(".msgpack.zst") - {"repodata_shards.msgpack.zst"}
    if way == "shards":
        assert repodata == set()
        named = shard_index(channel)["shards"] | shard_index(channel, "linux-64")["shards"]
        assert f"{named['lib'].hex()}.msgpack.zst" in shards
        assert f"{named['unrelated'].hex()}.msgpack.zst" not in shards
    else:
        assert repodata == {"repodata.json.zst" if way == "zst" else "repodata.json"}
        assert shards == set()


@pytest.mark.parametrize("way", ["shards", "zst", "json"])
def test_a_removed_package_is_gone_for_every_client(
    server: RunningServer, owner: str, way: str
) -> None:
    channel = server.channel(owner)
    upload(server, channel, PackageBuilder("demo", "1.0"), PackageBuilder("demo", "2.0"))
    assert delete(f"{channel}/noarch/demo-2.0-0.conda").status_code == 204

    def hidden(path: str) -> bool:
        return (way != "shards" and "shards" in path) or (
            way == "json" and path.endswith(VARIANT_SUFFIXES)
        )

    with Recorder(server.origin, hidden) as recorder:
        through = channel.replace(server.origin, recorder.origin)
        assert solve_from([through], ["demo"]) == ["demo-1.0-0.conda"]
    found = shard(channel, shard_index(channel)["shards"]["demo"])
    assert found["removed"] == ["demo-2.0-0.conda"]
    assert json.loads(get(channel, "noarch/repodata.json"))["removed"] == ["demo-2.0-0.conda"]


def test_shards_hold_the_records_of_repodata(server: RunningServer, owner: str) -> None:
    channel = server.channel(owner)
    exports = json.dumps({"weak": ["demo >=1"]}).encode()
    package = PackageBuilder("demo", "1.0").document("run_exports.json", exports)
    assert server.put(f"{channel}/x.tar.bz2", package.tar_bz2()).status_code == 201
    upload(server, channel, package, PackageBuilder("other"))
    repodata = json.loads(get(channel, "noarch/repodata.json"))
    run_exports = json.loads(get(channel, "noarch/run_exports.json"))
    for name, digest in shard_index(channel)["shards"].items():
        found = shard(channel, digest)
        for key in ("packages", "packages.conda"):
            expected = {f: r for f, r in repodata[key].items() if r["name"] == name}
            assert found[key].keys() == expected.keys()
            for file, record in found[key].items():
                exported = {"run_exports": record.pop("run_exports")}
                assert exported == run_exports[key][file]
                record |= {kind: record[kind].hex() for kind in ("md5", "sha256")}
                assert record == expected[file]
    assert run_exports["packages"]["demo-1.0-0.tar.bz2"] == {"run_exports": {"weak": ["demo >=1"]}}
    created = shard_index(channel)["info"]["created_at"]
    newest = max(r["indexed_timestamp"] for r in repodata["packages.conda"].values())
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(newest // 1000))
    assert created == moment, "the time of the newest package's version, not of this read"


def test_old_shards_stay_and_are_not_in_other_channels(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    channel, other = server.channel(owner), server.channel(owner, "other")
    upload(server, channel, PackageBuilder("demo", "1.0"))
    upload(server, other, PackageBuilder("other"))
    first = shard_index(channel)["shards"]["demo"]
    upload(server, channel, PackageBuilder("demo", "2.0"))
    second = shard_index(channel)["shards"]["demo"]
    assert first != second
    assert set(shard(channel, first)["packages.conda"]) == {"demo-1.0-0.conda"}
    for digest in (first, second):
        get(other, shard_path(digest), 404)
        get(channel, shard_path(digest, "linux-64"), 404)
    get(channel, shard_path(bytes(32)), 404)
    # A channel that never served the second index does not know its shards.
    publications = rest.get(
        "publications/conda/conda/", repository=repository_of(rest, owner)["pulp_href"]
    )["results"]
    oldest = min(publications, key=lambda each: int(each["repository_version"].split("/")[-2]))
    rest.create(
        "distributions/conda/conda/", name=f"{owner}/old", base_path=f"{owner}/old",
        publication=oldest["pulp_href"],
    )  # fmt: skip
    old = server.channel(owner, "old")
    assert shard_index(old)["shards"] == {"demo": first}
    get(old, shard_path(second), 404)


def test_deleting_a_version_undoes_its_changes_to_shards(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    channel = server.channel(owner)
    upload(server, channel, PackageBuilder("a", "1.0"), PackageBuilder("b", "1.0"))
    upload(server, channel, PackageBuilder("a", "2.0"))
    repository = repository_of(rest, owner)
    (served,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["results"]
    # A version that is served cannot be deleted.
    for change in (None, repository["pulp_href"]):
        body = {"repository": change}
        rest.wait(rest.request("PATCH", served["pulp_href"], json=body))
        if change is None:
            rest.wait(rest.request("DELETE", repository["latest_version_href"]))
    assert everything(channel, "noarch"), "the index of the previous version"
    upload(server, channel, PackageBuilder("b", "2.0"))
    assert everything(channel, "noarch"), "every named shard exists"
    named = shard_index(channel)["shards"]["a"]
    assert set(shard(channel, named)["packages.conda"]) == {"a-1.0-0.conda"}
    # Also after the retention of the previously served index.
    current = f"CondaShard.objects.filter(repository__name='{owner}/main', name='a', removed=None)"
    code = f"from pulp_conda.app.models import CondaShard; print({current}.get().digest)"
    assert server.shell(code).strip() == named.hex()


def test_publishing_again_gives_the_same_bytes(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    channel = server.channel(owner)
    packages = [
        PackageBuilder("b").depends("a <2"), PackageBuilder("a", "1.0"), PackageBuilder("a", "2.0"),
        PackageBuilder("b").subdir("linux-64").about(summary="told"),
    ]  # fmt: skip
    upload(server, channel, *packages)
    assert delete(f"{channel}/noarch/a-1.0-0.conda").status_code == 204
    before = everything(channel, "noarch", "linux-64")
    repository = repository_of(rest, owner)["pulp_href"]
    rest.create("publications/conda/conda/", repository=repository)
    assert everything(channel, "noarch", "linux-64") == before


def test_indexed_timestamps_belong_to_the_channel_and_stay(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    channel, target = server.channel(owner), server.channel(owner, "target")
    path, file = f"{channel}/noarch/demo-1.0-0.conda", "demo-1.0-0.conda"
    began = time.time() * 1000
    upload(server, channel, PackageBuilder("demo"), PackageBuilder("rest"))

    def stamp(url: str) -> int:
        records = json.loads(get(url, "noarch/repodata.json"))["packages.conda"]
        found: int = records[file]["indexed_timestamp"]
        return found

    first = stamp(channel)
    assert began - 1000 <= first <= time.time() * 1000
    assert delete(path).status_code == 204
    upload(server, channel, PackageBuilder("demo"))
    assert stamp(channel) == first, "the same bytes, back after a removal"
    upload(server, target, PackageBuilder("own"))
    source = {"repository_version": repository_of(rest, owner)["latest_version_href"]}
    (unit,) = rest.get("content/conda/packages/", name="demo", **source)["results"]
    modify(rest, repository_of(rest, owner, "target"), add_content_units=[unit["pulp_href"]])
    promoted = stamp(target)
    assert promoted > first
    modify(rest, repository_of(rest, owner, "target"), remove_content_units=["*"])
    versions = repository_of(rest, owner, "target")["versions_href"]
    modify(rest, repository_of(rest, owner, "target"), base_version=f"{versions}2/")
    assert stamp(target) == promoted, "rolled back"


def test_a_damaged_index_is_made_anew(server: RunningServer, rest: Rest, owner: str) -> None:
    channel = server.channel(owner)
    upload(server, channel, PackageBuilder(owner), PackageBuilder(f"{owner}-b"))
    for document, spoil in (("repodata.json.zst", b""), ("run_exports.json.zst", None)):
        digest = sha256(get(channel, f"noarch/{document}")).hexdigest()
        artifact = rest.get("artifacts/", sha256=digest)["results"][0]
        file = server.home / "media" / artifact["file"]
        if spoil is None:
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-9] + b"123456789")
        upload(server, channel, PackageBuilder(f"{owner}-{document[:3]}"))
        records = json.loads(get(channel, "noarch/repodata.json"))["packages.conda"]
        assert json.loads(unpacked(get(channel, "noarch/repodata.json.zst")))["packages.conda"] == (
            records
        )
        assert f"{owner}-{document[:3]}-1.0-0.conda" in records


def test_readers_never_see_documents_of_two_indexes(server: RunningServer, owner: str) -> None:
    """Documents agree while another process publishes, and name only existing files."""
    channel = server.channel(owner)
    upload(server, channel, PackageBuilder("demo", "0"))
    done = threading.Event()

    def publish() -> None:
        for number in range(1, 13):
            upload(server, channel, PackageBuilder("demo", str(number)))
        done.set()

    publisher = threading.Thread(target=publish)
    publisher.start()
    rounds = 0
    while not done.is_set() or not rounds:
        rounds += 1
        for digest in shard_index(channel)["shards"].values():
            for file in shard(channel, digest)["packages.conda"]:
                get(channel, f"noarch/{file}")
        plain = get(channel, "noarch/repodata.json")
        for file in json.loads(plain)["packages.conda"]:
            get(channel, f"noarch/{file}")
        while True:
            etags = [
                requests.head(f"{channel}/noarch/{name}", timeout=30).headers["ETag"]
                for name in ("repodata.json", "repodata.json.zst", "repodata.json")
            ]
            if etags[0] == etags[2]:  # nothing was published between
                break
        packed = get(channel, "noarch/repodata.json.zst")
        if f'"{sha256(packed).hexdigest()}"' == etags[1]:
            assert f'"{sha256(unpacked(packed)).hexdigest()}"' == etags[0]
    publisher.join()
    assert len(json.loads(get(channel, "noarch/repodata.json"))["packages.conda"]) == 13
