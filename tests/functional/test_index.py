"""A channel's index documents: which exist, that they agree, and which are made again."""

import bz2
import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
import zstandard

from tests.builders import PackageBuilder
from tests.functional.harness import Rest, RunningServer

DOCUMENTS = ("repodata.json", "current_repodata.json")
TYPES = {"": "application/json", ".bz2": "application/x-bzip2", ".zst": "application/zstd"}


def get(channel: str, path: str) -> requests.Response:
    answer = requests.get(f"{channel}/{path}", timeout=30)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return answer


def names(channel: str, path: str) -> set[str]:
    document = get(channel, path).json()
    return {*document["packages"], *document["packages.conda"]}


def upload(server: RunningServer, channel: str, *packages: PackageBuilder) -> None:
    for package in packages:
        answer = server.put(f"{channel}/x.conda", package.conda())
        assert answer.status_code == 201, answer.text


def linux(name: str, version: str = "1.0") -> PackageBuilder:
    return PackageBuilder(name, version).subdir("linux-64")


def repository_of(rest: Rest, channel: str) -> dict[str, Any]:
    found: dict[str, Any] = rest.get("repositories/conda/conda/", name=channel)["results"][0]
    return found


def file_behind(rest: Rest, channel: str, path: str) -> Path:
    """Return the path of a document's file."""
    digest = sha256(get(channel, path).content).hexdigest()
    artifact = rest.get("artifacts/", sha256=digest)["results"][0]
    found: Path = rest.server.home / "media" / artifact["file"]
    assert found.exists()
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("suffix", TYPES)
def test_forgejos_documents_have_forgejos_types(
    server: RunningServer, owner: str, document: str, suffix: str
) -> None:
    channel = server.channel(owner)
    upload(server, channel, PackageBuilder("test_package", "1.0.1", "xxx"))
    url = f"{channel}/noarch/{document}{suffix}"
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TYPES[suffix]
    assert "Content-Encoding" not in answer.headers
    head = requests.head(url, timeout=30)
    assert head.status_code == 200
    assert head.headers["Content-Type"] == TYPES[suffix]
    assert head.headers["ETag"] == answer.headers["ETag"]
    assert head.headers["Content-Length"] == str(len(answer.content))


def test_compressed_variants_have_the_same_bytes(server: RunningServer, owner: str) -> None:
    channel = server.channel(owner)
    upload(server, channel, linux("demo", "1.0"), linux("demo", "2.0"))
    for document in DOCUMENTS:
        for subdir in ("linux-64", "noarch"):
            plain = get(channel, f"{subdir}/{document}").content
            assert bz2.decompress(get(channel, f"{subdir}/{document}.bz2").content) == plain
            zst = get(channel, f"{subdir}/{document}.zst").content
            assert zstandard.ZstdDecompressor().decompressobj().decompress(zst) == plain


def test_the_current_document_holds_what_is_current(server: RunningServer, owner: str) -> None:
    channel = server.channel(owner)
    upload(server, channel, linux("demo", "1.9"), linux("demo", "1.10"), linux("lib", "1"))
    upload(server, channel, linux("lib", "2"), linux("lib", "3"), linux("app").depends("lib <3"))
    full, current = (get(channel, f"linux-64/{document}") for document in DOCUMENTS)
    assert len(current.content) < len(full.content)
    kept = current.json()["packages.conda"]
    assert set(kept) == {
        "app-1.0-0.conda", "demo-1.10-0.conda", "lib-2-0.conda", "lib-3-0.conda",
    }  # fmt: skip
    assert kept.items() <= full.json()["packages.conda"].items()
    assert current.json()["info"] == {"subdir": "linux-64"}


def test_a_large_document_has_no_bz2_variant(server: RunningServer, owner: str) -> None:
    channel = server.channel(owner)
    large = linux("demo", "1.0").with_index(custom="x" * 1024**2)
    upload(server, channel, large, linux("demo", "2.0"))
    assert requests.get(f"{channel}/linux-64/repodata.json.bz2", timeout=30).status_code == 404
    assert requests.head(f"{channel}/linux-64/repodata.json.bz2", timeout=30).status_code == 404
    assert len(get(channel, "linux-64/repodata.json").content) > 1024**2
    get(channel, "linux-64/repodata.json.zst")
    get(channel, "linux-64/current_repodata.json.bz2")


def test_subdirs_that_did_not_change_are_not_made_again(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    channel = server.channel(owner)
    upload(server, channel, PackageBuilder(owner))
    # Making a document again would give a lost file back.
    file = file_behind(rest, channel, "noarch/repodata.json")
    file.unlink()
    upload(server, channel, linux(owner))
    assert not file.exists()
    for document in DOCUMENTS:
        get(channel, f"noarch/{document}.zst")
        get(channel, f"noarch/{document}.bz2")
    repository = repository_of(rest, f"{owner}/main")
    rest.create("publications/conda/conda/", repository=repository["pulp_href"])
    assert file.exists(), "the index of a version that is published again is built anew"
    assert names(channel, "noarch/repodata.json") == {f"{owner}-1.0-0.conda"}
    upload(server, channel, PackageBuilder(owner, "2.0"))
    assert len(names(channel, "noarch/repodata.json")) == 2
    assert len(names(channel, "linux-64/repodata.json")) == 1


def test_documents_outlive_the_publication_they_were_made_for(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    channel = server.channel(owner)
    upload(server, channel, PackageBuilder(owner))
    upload(server, channel, linux("a"), linux("b"))
    version = repository_of(rest, f"{owner}/main")["versions_href"]
    numbers = {found["number"]: found["pulp_href"] for found in rest.get(version)["results"]}
    for href in (numbers[1], numbers[2]):
        rest.wait(rest.request("DELETE", href))
    body = {"orphan_protection_time": 0}
    rest.wait(rest.request("POST", "orphans/cleanup/", json=body))
    assert names(channel, "noarch/repodata.json") == {f"{owner}-1.0-0.conda"}
    for suffix in TYPES:
        get(channel, f"noarch/current_repodata.json{suffix}")
    upload(server, channel, linux("c"))
    assert names(channel, "noarch/repodata.json") == {f"{owner}-1.0-0.conda"}
    assert len(names(channel, "linux-64/repodata.json")) == 3


def test_versions_that_were_not_published_are_not_forgotten(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    repository = rest.create("repositories/conda/conda/", name=owner, autopublish=False)
    href = {"repository": repository["pulp_href"]}
    rest.create("distributions/conda/conda/", name=owner, base_path=f"{owner}/main", **href)
    rest.upload(PackageBuilder().conda(), **href)
    rest.create("publications/conda/conda/", **href)
    rest.upload(PackageBuilder(version="2.0").conda(), **href)
    rest.upload(linux("a").conda(), **href)
    rest.create("publications/conda/conda/", **href)
    channel = server.channel(owner)
    assert len(names(channel, "noarch/repodata.json")) == 2
    assert len(names(channel, "linux-64/repodata.json")) == 1


def test_a_subdir_that_lost_its_packages_stays_empty(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    channel = server.channel(owner)
    upload(server, channel, PackageBuilder(owner), linux(owner))
    repository = repository_of(rest, f"{owner}/main")
    units = rest.get(
        "content/conda/packages/", repository_version=repository["latest_version_href"]
    )["results"]
    for unit in units:
        body = {"remove_content_units": [unit["pulp_href"]]}
        rest.wait(rest.request("POST", f"{repository['pulp_href']}modify/", json=body))
    assert names(channel, "noarch/repodata.json") == set()
    assert names(channel, "linux-64/repodata.json") == set()
    assert get(channel, "linux-64/repodata.json").json()["removed"] == [f"{owner}-1.0-0.conda"]
    upload(server, channel, linux(f"{owner}-b"))
    assert names(channel, "linux-64/current_repodata.json") == {f"{owner}-b-1.0-0.conda"}


def test_equal_documents_of_channels_made_at_once(server: RunningServer, owner: str) -> None:
    """They are the same artifacts, which several publications may try to save at once."""
    channels = [server.channel(owner, f"c{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda channel: upload(server, channel, linux(owner)), channels))
    # Only the indexed timestamps differ between the channels.
    for path in ("noarch/repodata.json", "linux-64/run_exports.json", "channeldata.json"):
        assert len({get(channel, path).content for channel in channels}) == 1
    document = json.loads(get(channels[0], "linux-64/repodata.json").content)
    assert set(document["packages.conda"]) == {f"{owner}-1.0-0.conda"}


def test_every_domain_has_its_own_documents(domain_server: RunningServer, tmp_path: Path) -> None:
    Rest(domain_server).create(
        "domains/",
        name="indexed",
        storage_class="pulpcore.app.models.storage.FileSystem",
        storage_settings={"location": str(tmp_path), "MEDIA_ROOT": str(tmp_path / "media")},
    )
    channels = [domain_server.channel(owner, "index") for owner in ("indexed", "default")]
    for channel in channels:
        upload(domain_server, channel, PackageBuilder("a"), linux("b"), linux("b", "2.0"))
    for path in ("noarch/run_exports.json", "linux-64/run_exports.json"):
        assert len({get(channel, path).content for channel in channels}) == 1
    digest = sha256(get(channels[0], "noarch/run_exports.json").content).hexdigest()
    for domain in ("indexed", "default"):
        assert Rest(domain_server, domain).get("artifacts/", sha256=digest)["count"] == 1
