"""Indexes of channels and platforms without packages, and the choice of documents."""

import json

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.channels import repository_of, upload
from tests.functional.clients import solve_from
from tests.functional.harness import Rest, RunningServer
from tests.functional.recorder import Recorder
from tests.functional.shards import ROOT_FILES, SUBDIR_FILES, everything, get, shard, shard_index


def test_a_channel_publishes_the_chosen_documents(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    repository = rest.create(
        "repositories/conda/conda/", name=f"{owner}/main", documents=["run_exports"]
    )
    href = {"repository": repository["pulp_href"]}
    rest.create("distributions/conda/conda/", name=owner, base_path=f"{owner}/main", **href)
    channel = server.channel(owner)
    upload(server, channel, PackageBuilder())
    served = {name for name in SUBDIR_FILES if
              requests.get(f"{channel}/noarch/{name}", timeout=30).ok}  # fmt: skip
    assert served == {
        "repodata.json", "repodata.json.zst", "run_exports.json", "run_exports.json.zst",
    }  # fmt: skip
    get(channel, "channeldata.json", 404)
    answer = rest.request(
        "PATCH", repository["pulp_href"], json={"documents": ["shards", "run_exports"]}
    )
    assert answer.ok, answer.text
    upload(server, channel, PackageBuilder("other"))
    assert set(shard_index(channel)["shards"]) == {"demo", "other"}
    refused = rest.request("PATCH", repository["pulp_href"], json={"documents": ["jlap"]})
    assert refused.status_code == 400


def test_a_channel_without_packages_has_an_index(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    repository = rest.create("repositories/conda/conda/", name=f"{owner}/main")
    href = {"repository": repository["pulp_href"]}
    rest.create("distributions/conda/conda/", name=owner, base_path=f"{owner}/main", **href)
    channel = server.channel(owner)
    unpublished, empty = everything(channel, "noarch"), everything(channel, "linux-64")
    created = shard_index(channel)["info"]["created_at"]
    assert created[:19] == repository["pulp_created"][:19], "and not in 1970"
    rest.create("publications/conda/conda/", **href)
    assert everything(channel, "noarch") == unpublished
    assert everything(channel, "linux-64") == empty
    with pytest.raises(Exception, match="demo"):
        solve_from([channel], ["demo"])
    upload(server, channel, PackageBuilder().subdir("linux-64"))
    assert solve_from([channel], ["demo"]) == ["demo-1.0-0.conda"]


def test_a_platform_without_packages_has_an_empty_index(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    channel = server.channel(owner)
    upload(server, channel, PackageBuilder())
    with Recorder(server.origin) as recorder:
        through = channel.replace(server.origin, recorder.origin)
        assert solve_from([through], ["demo"]) == ["demo-1.0-0.conda"]
    refused = [seen for seen in recorder.seen if seen[2] == 404]
    assert not refused, "a client requests absent documents several times"
    platform = "win-64"
    found = everything(channel, platform)
    upload(server, channel, PackageBuilder("other"))
    assert everything(channel, platform) | dict.fromkeys(ROOT_FILES, b"") == found | dict.fromkeys(
        ROOT_FILES, b""
    )
    for name in SUBDIR_FILES:
        url = f"{channel}/{platform}/{name}"
        whole = requests.get(url, timeout=30)
        assert whole.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert requests.head(url, timeout=30).headers["ETag"] == whole.headers["ETag"]
        known = {"If-None-Match": whole.headers["ETag"]}
        assert requests.get(url, headers=known, timeout=30).status_code == 304, name
    upload(server, channel, PackageBuilder().subdir(platform))
    records = json.loads(get(channel, f"{platform}/repodata.json"))["packages.conda"]
    assert set(records) == {"demo-1.0-0.conda"}
    href = repository_of(rest, owner)["pulp_href"]
    rest.update(href, documents=["shards"])
    upload(server, channel, PackageBuilder("another"))
    for subdir in ("noarch", "osx-arm64"):
        for name in SUBDIR_FILES:
            wanted = name in ("repodata.json", "repodata.json.zst", "repodata_shards.msgpack.zst")
            get(channel, f"{subdir}/{name}", 200 if wanted else 404)


def test_records_of_version_3_are_in_the_chosen_documents(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    channel = server.channel(owner)
    newer = PackageBuilder("demo", "2.0").with_index(schema_version=3)
    upload(server, channel, PackageBuilder("demo", "1.0"), newer)
    href = repository_of(rest, owner)["pulp_href"]
    assert repository_of(rest, owner)["v3_documents"] == ["repodata"]
    solved = {}
    for wanted in (["repodata"], ["shards", "repodata"], []):
        rest.update(href, v3_documents=wanted)
        rest.create("publications/conda/conda/", repository=href)
        document = json.loads(get(channel, "noarch/repodata.json"))
        found = shard(channel, shard_index(channel)["shards"]["demo"])
        assert ("v3" in document, "v3" in found) == ("repodata" in wanted, "shards" in wanted)
        assert set(found["packages.conda"]) == {"demo-1.0-0.conda"}
        solved["shards" in wanted] = solve_from([channel], ["demo"])
        page = get(channel, "index.html?name=demo").decode()
        assert "demo-2.0-0.conda" in page, "the channel has it, whether or not clients can read it"
        check = rest.wait(rest.request("POST", f"{href}check_index/", json={}))
        assert check["result"]["faults"] == 0
    assert solved == {False: ["demo-1.0-0.conda"], True: ["demo-2.0-0.conda"]}
    refused = rest.request("PATCH", href, json={"v3_documents": ["channeldata"]})
    assert refused.status_code == 400
