"""How a channel's files are served: HTTP's rules, private channels, damaged files, queries."""

import json
import os
import subprocess
import sys
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec
import pytest
import requests
import zstandard

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account, owner_href, status
from tests.functional.channels import private_channel, upload
from tests.functional.harness import PASSWORD, Rest, RunningServer
from tests.functional.http_rules import (
    PACKAGE,
    SHARD_INDEX,
    check_conditions,
    check_ranges,
    files_of,
    get,
    shard_paths,
)


def test_every_file_follows_the_rules_of_http(server: RunningServer, owner: str) -> None:
    registry, content = server.channel(owner), f"{server.origin}/pulp/content/{owner}/main"
    upload(server, registry, PackageBuilder().payload(100_000))
    for path in files_of(registry):
        for url in (f"{registry}/{path}", f"{content}/{path}"):
            whole = get(url)
            assert whole.status_code == 200, path
            etag = whole.headers["ETag"]
            assert etag == f'"{sha256(whole.content).hexdigest()}"', path
            assert "Content-Encoding" not in whole.headers
            assert whole.headers["Content-Length"] == str(len(whole.content))
            assert whole.headers["Accept-Ranges"] == "bytes"
            lasting = "/shards/" in path
            kept = "max-age=31536000, immutable" if lasting else "max-age=0, must-revalidate"
            assert whole.headers["Cache-Control"] == f"public, {kept}"
            assert ("Last-Modified" in whole.headers) == ("/shards/" not in path)
            head = requests.head(url, headers={"Accept-Encoding": "identity"}, timeout=30)
            assert head.status_code == 200
            unlike = {"Date", "Server"}
            assert {k: v for k, v in head.headers.items() if k not in unlike} == {
                k: v for k, v in whole.headers.items() if k not in unlike
            }
            check_conditions(url, whole)
            check_ranges(url, whole)


def test_absent_paths_are_404(server: RunningServer, owner: str) -> None:
    url = server.channel(owner)
    upload(server, url, PackageBuilder())
    for path in (
        "noarch/index_manifest.msgpack.zst",
        "index_manifest.msgpack.zst",
        f"noarch/shards/{'0' * 64}.msgpack.zst",
        "noarch/shards/",
        "noarch/jlap",
        "plan9-128/repodata.json",
        "linux-64/repodata_from_packages.json",
        "linux-64/demo-1.0-0.conda",
        "noarch/demo-1.0-1.conda",
        "noarch/de%00mo-1.0-0.conda",
        "noarch/d%C3%A9mo-1.0-0.conda",
        "noarch/%ED%A0%80-1.0-0.conda",
        "noarch/" + 500 * "a/" + "repodata.json",
    ):
        for base in (url, f"{server.origin}/pulp/content/{owner}/main"):
            answer = get(f"{base}/{path}")
            assert answer.status_code == 404, path
            assert answer.headers.get("Cache-Control", "no-store") == "no-store"
            assert requests.head(f"{base}/{path}", timeout=30).status_code == 404


def test_a_shard_belongs_to_its_channel_and_subdir(server: RunningServer, owner: str) -> None:
    ours, others = server.channel(owner), server.channel(owner, "others")
    upload(server, ours, PackageBuilder("secret"), PackageBuilder("lib").subdir("linux-64"))
    upload(server, others, PackageBuilder("other"), PackageBuilder("lib2").subdir("linux-64"))
    path = shard_paths(ours)["secret"]
    assert status(f"{ours}/{path}") == 200
    assert status(f"{others}/{path}") == 404
    assert status(f"{ours}/{path.replace('noarch', 'linux-64')}") == 404


def test_private_channels_keep_their_shards_to_themselves(
    server: RunningServer, owner: str
) -> None:
    url = private_channel(server, owner)
    admin = partial(requests.get, auth=("admin", PASSWORD), timeout=30)
    raw = admin(f"{url}/{SHARD_INDEX}")
    assert raw.headers["Cache-Control"] == "private, max-age=0, must-revalidate"
    unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(raw.content)
    (digest,) = msgspec.msgpack.decode(unpacked)["shards"].values()
    for path in (f"noarch/shards/{digest.hex()}.msgpack.zst", PACKAGE):
        answer = admin(f"{url}/{path}")
        assert answer.status_code == 200
        kept = "max-age=31536000, immutable" if "/shards/" in path else "max-age=0, must-revalidate"
        assert answer.headers["Cache-Control"] == f"private, {kept}"
        known = {"If-None-Match": answer.headers["ETag"]}
        assert requests.get(f"{url}/{path}", headers=known, timeout=30).status_code == 401
        assert admin(f"{url}/{path}", headers=known).status_code == 304
        for base in (url, f"{server.origin}/pulp/content/{owner}/main"):
            assert status(f"{base}/{path}") == 401


def test_other_plugins_and_listings_are_left_to_pulpcore(server: RunningServer, owner: str) -> None:
    upload(server, server.channel(owner), PackageBuilder())
    content = f"{server.origin}/pulp/content"
    assert f"{owner}/" in get(f"{content}/").text
    assert "main/" in get(f"{content}/{owner}/").text
    assert status(f"{content}/nobody/main/noarch/repodata.json") == 404
    answer = requests.get(f"{content}/{owner}/main", allow_redirects=False, timeout=30)
    assert (answer.status_code, answer.headers["Location"]) == (301, "main/")


def test_a_lost_or_truncated_file_is_a_503(server: RunningServer, rest: Rest, owner: str) -> None:
    url = server.channel(owner)
    upload(server, url, PackageBuilder().payload(200_000 + int(owner[5:])))
    digest = sha256(get(f"{url}/{PACKAGE}").content).hexdigest()
    file = server.home / "media" / rest.get("artifacts/", sha256=digest)["results"][0]["file"]
    content = file.read_bytes()
    for damaged in (content[:-1], None):
        file.unlink()
        if damaged:
            file.write_bytes(damaged)
        answer = get(f"{url}/{PACKAGE}")
        assert answer.status_code == 503
        assert "storage" in answer.text
        if damaged is None:
            file.write_bytes(content)
    assert get(f"{url}/{PACKAGE}").content == content


@pytest.mark.parametrize("private", [False, True])
def test_few_queries_find_what_a_url_names(
    server: RunningServer, owner: str, private: bool
) -> None:
    """A private channel takes no more of them: one finds the channel and who may read it."""
    url = server.channel(owner)
    upload(server, url, *(PackageBuilder(version=f"{number}.0") for number in range(3)))
    old = shard_paths(url)["demo"]
    upload(server, url, PackageBuilder(version="9.0"))
    bounds = {
        "noarch/repodata.json": 3,
        PACKAGE: 3,
        shard_paths(url)["demo"]: 3,
        old: 4,
        "noarch/missing-1.0-0.conda": 4,
        f"noarch/shards/{'0' * 64}.msgpack.zst": 4,
        "noarch/missing.json": 2,
    }
    token = _token_of_a_reader(server, owner) if private else ""
    env: dict[str, Any] = {
        **os.environ,
        "PULP_SETTINGS": str(server.home / "settings.py"),
        "DJANGO_SETTINGS_MODULE": "pulpcore.app.settings",
    }
    paths = [f"{owner}/main/{path}" for path in bounds]
    command = [sys.executable, "-m", "tests.functional.queries", token, *paths]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for path, bound in bounds.items():
        queries = found[f"{owner}/main/{path}"]
        assert len(queries) <= bound, (path, queries)
        assert not any("content_ids" in query for query in queries)


def _token_of_a_reader(server: RunningServer, owner: str) -> str:
    """Guard an owner's channel; return the token of a user who may read it by a group's role."""
    rest, account = Rest(server), new_account(server)
    guard = rest.create("contentguards/conda/conda/", name=owner)["pulp_href"]
    (found,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["results"]
    rest.update(found["pulp_href"], content_guard=guard)
    group = rest.create("groups/", name=f"readers of {owner}")["pulp_href"]
    rest.create(f"{group}users/", username=account.name)
    href = owner_href(rest, owner)
    rest.create(f"{group}roles/", role="conda.channel_reader", content_object=href)
    return account.token(scopes=["read"])


@pytest.mark.parametrize("path", ["noarch/repodata.json", PACKAGE])
def test_a_client_that_goes_away_leaves_nothing_behind(
    server: RunningServer, owner: str, path: str
) -> None:
    url = server.channel(owner)
    upload(server, url, PackageBuilder().payload(3_000_000))
    for _ in range(5):
        with requests.get(f"{url}/{path}", stream=True, timeout=30) as answer:
            answer.raw.read(10)
    assert status(f"{url}/{path}") == 200
