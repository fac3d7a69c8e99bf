"""A channel is synced from that of another server, over HTTP and by real processes."""

import os
import signal
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.channels import private_channel
from tests.functional.clients import install_from, solve_from
from tests.functional.harness import PASSWORD, PATIENCE_SECONDS, Rest, RunningServer, wait_for
from tests.functional.mirrors import Mirror, make_mirror


@pytest.fixture
def mirror(mirroring: RunningServer, server: RunningServer, owner: str) -> Mirror:
    """A mirror of the channel `OWNER/main` of the shared server, which is empty at first."""
    return make_mirror(mirroring, owner, server.channel(owner), subdirs=["linux-64"])


def put(server: RunningServer, owner: str, *packages: PackageBuilder) -> None:
    """Upload packages to the upstream."""
    for package in packages:
        assert server.put(f"{server.channel(owner)}/x.conda", package.conda()).status_code == 201


def records(channel: str, subdir: str) -> dict[str, Any]:
    """Return the records of a subdir, without what dates them in a channel."""
    document = requests.get(f"{channel}/{subdir}/repodata.json", timeout=PATIENCE_SECONDS).json()
    found = {**document["packages"], **document["packages.conda"]}
    for record in found.values():
        record.pop("indexed_timestamp")
    return found


def test_a_mirror_has_the_records_of_its_upstream(
    mirror: Mirror, server: RunningServer, owner: str
) -> None:
    put(
        server,
        owner,
        PackageBuilder("base"),
        PackageBuilder("tool").subdir("linux-64").with_index(depends=["base"]),
    )
    task = mirror.sync()
    assert task["result"]["counts"]["added"] == 2
    assert task["result"]["subdirs"]["noarch"]["document"] == "repodata_shards.msgpack.zst"
    progress = {each["code"]: each["done"] for each in task["progress_reports"]}
    assert progress["conda.sync.packages"] == 2
    assert progress["conda.sync.subdirs"] == 2
    for subdir in ("noarch", "linux-64"):
        assert records(mirror.url, subdir) == records(server.channel(owner), subdir)
    names = [filename.rsplit("-", 2)[0] for filename in solve_from([mirror.url], ["tool"])]
    assert names == ["base", "tool"]


def test_packages_of_a_mirror_of_a_mirror_are_installed(
    mirror: Mirror, mirroring: RunningServer, server: RunningServer, owner: str, tmp_path: Path
) -> None:
    put(
        server,
        owner,
        PackageBuilder("base").payload(3_000_000),
        PackageBuilder("tool").subdir("linux-64").with_index(depends=["base"]),
    )
    mirror.sync()
    second = make_mirror(mirroring, f"{owner}2", mirror.url)
    assert second.result()["counts"]["added"] == 2
    names = {
        filename.rsplit("-", 2)[0]
        for filename in install_from([second.url], ["tool"], tmp_path / "prefix")
    }
    assert names == {"base", "tool"}
    assert list((tmp_path / "prefix" / "conda-meta").glob("base-*.json"))


def test_a_private_channel_is_mirrored_with_a_token(
    mirroring: RunningServer, server: RunningServer, owner: str, tmp_path: Path
) -> None:
    url = private_channel(server, owner)
    refused = make_mirror(mirroring, owner, url).sync(state="failed")
    assert "401" in refused["error"]["description"]
    token = Rest(server).create("conda/tokens/", name=owner, scopes=["read"])["token"]
    for auth in ("bearer", "path_token"):
        mirror = make_mirror(mirroring, f"{owner}-{auth}", url, auth=auth, token=token)
        assert mirror.result()["counts"]["added"] == 1
        (installed,) = install_from([mirror.url], ["demo"], tmp_path / auth)
        assert installed.startswith("demo-")
        assert token not in mirroring.log.read_text()
        _damage_and_repair(mirroring, mirror)


def test_a_private_mirror_fetches_nothing_for_strangers(
    mirror: Mirror, mirroring: RunningServer, server: RunningServer, owner: str, tmp_path: Path
) -> None:
    put(server, owner, PackageBuilder("secret").payload(3_000_000))
    mirror.sync()
    rest, name = Rest(mirroring), f"{owner}/mirror"
    guard = rest.create("contentguards/conda/conda/", name=name)
    (distribution,) = rest.get("distributions/conda/conda/", name=name)["results"]
    body = {"content_guard": guard["pulp_href"]}
    rest.wait(rest.request("PATCH", distribution["pulp_href"], json=body))
    (filename,) = _records_of_admin(mirror)
    url = f"{mirror.url}/noarch/{filename}"
    assert requests.get(url, timeout=PATIENCE_SECONDS).status_code == 401
    assert (
        rest.get("artifacts/", sha256=_records_of_admin(mirror)[filename]["sha256"])["count"] == 0
    )
    answer = requests.get(url, auth=("admin", PASSWORD), timeout=PATIENCE_SECONDS)
    assert sha256(answer.content).hexdigest() == _records_of_admin(mirror)[filename]["sha256"]
    assert "private" in answer.headers["Cache-Control"]


def _records_of_admin(mirror: Mirror) -> dict[str, Any]:
    url = f"{mirror.url}/noarch/repodata.json"
    document = requests.get(url, auth=("admin", PASSWORD), timeout=PATIENCE_SECONDS).json()
    found: dict[str, Any] = document["packages.conda"]
    return found


def _damage_and_repair(mirroring: RunningServer, mirror: Mirror) -> None:
    """Damage the file of a mirror's package, and let pulpcore fetch it again."""
    rest = Rest(mirroring)
    version = rest.get(mirror.repository)["latest_version_href"]
    (unit,) = rest.get("content/conda/packages/", repository_version=version)["results"]
    (artifact,) = rest.get("artifacts/", sha256=unit["sha256"])["results"]
    file = mirroring.home / "media" / artifact["file"]
    right = file.read_bytes()
    file.write_bytes(b"damaged")
    rest.wait(rest.request("POST", f"{version}repair/", json={"verify_checksums": True}))
    assert file.read_bytes() == right


def test_an_unchanged_upstream_makes_no_version(
    mirror: Mirror, server: RunningServer, owner: str
) -> None:
    put(server, owner, PackageBuilder())
    mirror.sync()
    before = mirror.version()
    result = mirror.result()
    assert mirror.version() == before == result["version"]
    assert result["bytes"] == 0
    assert result["requests"] == 2, "one for each subdir"


def test_an_upstream_that_is_gone_fails_the_task(mirroring: RunningServer, owner: str) -> None:
    gone = make_mirror(mirroring, owner, "http://127.0.0.1:9/channel", max_retries=0)
    task = gone.sync(state="failed")
    assert "127.0.0.1" in task["error"]["description"]
    assert gone.version() == 0


def test_uploads_go_on_while_the_upstream_is_asked(
    mirror: Mirror, server: RunningServer, mirroring: RunningServer, owner: str
) -> None:
    put(server, owner, PackageBuilder("mirrored"))
    done: dict[str, Any] = {}
    # The upstream does not answer as long as these are stopped.
    pids = [pid for name, pid in server.pids().items() if name.startswith("content")]
    for pid in pids:
        os.killpg(pid, signal.SIGSTOP)
    try:
        thread = threading.Thread(target=lambda: done.update(task=mirror.sync()))
        thread.start()
        rest = Rest(mirroring)
        wait_for(lambda: rest.get("tasks/", state="running", name__contains="sync")["count"] == 1)
        time.sleep(0.5)
        answer = mirroring.put(f"{mirror.url}/x.conda", PackageBuilder("own").conda())
        assert answer.status_code == 201, answer.text
        assert not done, "the sync ended before the upload"
    finally:
        for pid in pids:
            os.killpg(pid, signal.SIGCONT)
    thread.join()
    assert done["task"]["result"]["counts"]["added"] == 1
    names = {record["name"] for record in records(mirror.url, "noarch").values()}
    assert names == {"mirrored", "own"}
