"""A damaged document, shard or file is found, named by its path, and repaired if possible."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account
from tests.functional.harness import Rest, RunningServer

_DIGEST = """
from pulpcore.plugin.models import PublishedArtifact
found = PublishedArtifact.objects.filter(
    publication__repository_version__repository__name={name!r}, relative_path={path!r})
print(found.latest("pulp_created").content_artifact.artifact.sha256)
"""
_SPOIL_SHARD = """
from pulp_conda.app.models import CondaShard
shard = CondaShard.objects.get(repository__name={name!r})
CondaShard.objects.filter(pk=shard.pk).update(data=b"rubbish")
print(shard.digest)
"""
_INDEX = "noarch/repodata.json.zst"


@pytest.fixture
def href(server: RunningServer, rest: Rest, owner: str) -> str:
    """The href of the repository of a channel with one package."""
    package = PackageBuilder(owner).payload(3000)
    assert server.put(f"{server.channel(owner)}/x.conda", package.conda()).status_code == 201
    (found,) = rest.get("repositories/conda/conda/", name=f"{owner}/main")["results"]
    return str(found["pulp_href"])


def check(rest: Rest, href: str, what: str, **options: Any) -> dict[str, str]:
    """Run a check and return the problem of each path."""
    task = rest.wait(rest.request("POST", f"{href}{what}/", json=options))
    listed = {fault["path"]: fault["problem"] for fault in task["result"]["listed"]}
    assert task["result"]["faults"] == len(listed)
    return listed


def stored(server: RunningServer, sha256: str) -> Path:
    return server.home / "media" / "artifact" / sha256[:2] / sha256[2:]


def document(server: RunningServer, owner: str, path: str = _INDEX) -> Path:
    """Return where a document of the newest index is stored."""
    code = _DIGEST.format(name=f"{owner}/main", path=path)
    return stored(server, server.shell(code).strip())


def served(server: RunningServer, owner: str, path: str = _INDEX) -> bytes:
    return requests.get(f"{server.channel(owner)}/{path}", timeout=30).content


def test_checks_of_a_sound_channel_find_nothing(rest: Rest, href: str) -> None:
    assert check(rest, href, "check_index") == {}
    assert check(rest, href, "check_index", mend=True) == {}
    assert check(rest, href, "check_files") == {}
    assert check(rest, href, "check_files", version=0) == {}
    assert rest.get("publications/conda/conda/", repository=href)["count"] == 1


@pytest.mark.parametrize("spoil", ["changed", "cut", "gone"])
def test_a_damaged_document_is_found_and_repaired(
    server: RunningServer, rest: Rest, owner: str, href: str, spoil: str
) -> None:
    path = document(server, owner)
    whole = path.read_bytes()
    if spoil == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-1] + (bytes([whole[-1] ^ 1]) if spoil == "changed" else b""))
    found = check(rest, href, "check_index")
    # In a channel this small, current_repodata.json is the same document.
    assert found.keys() == {_INDEX, "noarch/current_repodata.json.zst"}
    assert set(found.values()) == {"the storage has lost or changed its bytes"}
    assert check(rest, href, "check_index", mend=True) == found
    assert served(server, owner) == whole
    assert check(rest, href, "check_index") == {}


def test_a_damaged_shard_is_found_and_repaired(
    server: RunningServer, rest: Rest, owner: str, href: str
) -> None:
    digest = server.shell(_SPOIL_SHARD.format(name=f"{owner}/main")).strip()
    path = f"noarch/shards/{digest}.msgpack.zst"
    assert list(check(rest, href, "check_index")) == [path]
    assert list(check(rest, href, "check_index", mend=True)) == [path]
    assert hashlib.sha256(served(server, owner, path)).hexdigest() == digest
    assert check(rest, href, "check_index") == {}


def test_an_index_with_other_options_is_reported_as_such(rest: Rest, href: str) -> None:
    rest.update(href, documents=["shards", "current_repodata"])
    found = check(rest, href, "check_index", mend=True)
    assert found.pop("/") == "made with other options than the repository has now"
    assert found["noarch/repodata.json.bz2"] == "the packages give no such document"
    assert "noarch/repodata.json" not in found
    assert check(rest, href, "check_index") == {}


def test_a_damaged_package_is_found_and_can_be_uploaded_again(
    server: RunningServer, rest: Rest, owner: str, href: str
) -> None:
    body = PackageBuilder(owner).payload(3000).conda()
    path = stored(server, hashlib.sha256(body).hexdigest())
    package = f"noarch/{owner}-1.0-0.conda"
    path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    assert check(rest, href, "check_files", checksums=False) == {}
    found = check(rest, href, "check_files")
    assert list(found) == [package]
    assert found[package].endswith(f"the record says {hashlib.sha256(body).hexdigest()}")
    # An upload to any channel replaces the damaged bytes.
    elsewhere = server.channel(owner, "elsewhere")
    for url, status in ((elsewhere, 201), (server.channel(owner), 409)):
        path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
        assert server.put(f"{url}/x.conda", body).status_code == status
        assert requests.get(f"{url}/{package}", timeout=30).content == body
    assert check(rest, href, "check_files") == {}
    path.write_bytes(body[:100])
    assert check(rest, href, "check_files", checksums=False) == {
        package: f"the file is 100 bytes long, the record says {len(body)}"
    }
    # pulpcore's own repair removes files that it cannot fetch again.
    version = rest.get(href)["latest_version_href"]
    rest.wait(rest.request("POST", f"{version}repair/", json={"verify_checksums": True}))
    assert check(rest, href, "check_files") == {package: "the storage does not have the file"}
    assert server.put(f"{server.channel(owner)}/x.conda", body).status_code == 409
    assert check(rest, href, "check_files") == {}
    assert served(server, owner, package) == body


def test_a_file_in_the_storage_without_an_artifact_is_overwritten(
    server: RunningServer, owner: str
) -> None:
    body = PackageBuilder(f"{owner}-orphan").payload(3000).conda()
    path = stored(server, hashlib.sha256(body).hexdigest())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    assert server.put(f"{server.channel(owner)}/x.conda", body).status_code == 201
    assert served(server, owner, f"noarch/{owner}-orphan-1.0-0.conda") == body


def test_an_invalid_check_is_refused_with_the_reason(rest: Rest, href: str) -> None:
    for what, version in (("check_index", 0), ("check_files", 99), ("check_files", "x")):
        answer = rest.request("POST", f"{href}{what}/", json={"version": version})
        assert answer.status_code == 400, what
        assert answer.json()["version"]


@pytest.mark.parametrize(
    ("role", "expected"), [("conda.channel_maintainer", 403), ("conda.channel_owner", 202)]
)
def test_only_owners_may_check(server: RunningServer, href: str, role: str, expected: int) -> None:
    account = new_account(server)
    account.give(role, href)
    for what in ("check_index", "check_files"):
        assert account.rest.request("POST", f"{href}{what}/").status_code == expected


_PUBLISHED_BY_ANOTHER_LIBRARY = """
from pulpcore.app.contexts import with_task_context
from pulpcore.plugin.models import Task
from pulp_conda.app.channels.index import fingerprint, publish
from pulp_conda.app.models import CondaRepository
from pulp_conda.formats import compression
compression._compressor = lambda level: compression.zstd.ZstdCompressor(level=19)  # no checksum
made = compression.PartEncoder.__init__
compression.PartEncoder.__init__ = lambda encoder, level: made(encoder, 19)
fingerprint.LIBRARIES = {{**fingerprint.LIBRARIES, "zstd": "0.0.1"}}
version = CondaRepository.objects.get(name={name!r}).latest_version()
with with_task_context(Task.objects.latest("pulp_created")):
    publish.publish(version)
"""


def test_an_index_of_another_library_is_compared_by_its_content(
    server: RunningServer, rest: Rest, owner: str, href: str
) -> None:
    paths = ("noarch/repodata.json.zst", "noarch/repodata_shards.msgpack.zst")
    before = {path: served(server, owner, path) for path in paths}
    server.shell(_PUBLISHED_BY_ANOTHER_LIBRARY.format(name=f"{owner}/main"))
    assert all(served(server, owner, path) != before[path] for path in paths)
    assert check(rest, href, "check_index") == {}
    assert rest.get("publications/conda/conda/", repository=href)["count"] == 2
    # What is damaged is found all the same, and publishing it again brings our own bytes back.
    path = document(server, owner)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert check(rest, href, "check_index", mend=True).keys() >= {_INDEX}
    assert {path: served(server, owner, path) for path in paths} == before
    assert check(rest, href, "check_index") == {}
