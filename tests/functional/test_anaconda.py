"""anaconda.org's API: its own client, labels, and what lies between stage and commit."""

import hashlib
import socket
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, new_account
from tests.functional.clients import solve_from
from tests.functional.harness import Rest, RunningServer
from tests.functional.test_registry import repodata
from tests.functional.uploaders import (
    AnacondaClient,
    RattlerBuild,
    Raw,
    install_anaconda_client,
    package_file,
)

PACKAGE = PackageBuilder().about(summary="A package.", license="MIT")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> AnacondaClient:
    """anaconda-client, in an environment of its own."""
    client = install_anaconda_client(tmp_path_factory.mktemp("anaconda-client"))
    return client or pytest.skip("pip cannot install anaconda-client")


@pytest.fixture
def client(server: RunningServer, installed: AnacondaClient, tmp_path: Path) -> AnacondaClient:
    """anaconda-client as the documentation sets it up."""
    client = AnacondaClient(installed.python, tmp_path)
    done = client.run("config", "--set", "url", f"{server.origin}/api/anaconda")
    assert done.returncode == 0, done.stdout
    return client


@pytest.fixture
def account(server: RunningServer) -> Account:
    """A user who publishes into his own namespace."""
    return new_account(server)


def test_anaconda_upload_works(
    server: RunningServer, account: Account, client: AnacondaClient
) -> None:
    token = account.token(scopes=["write"])
    assert f"Username: {account.name}" in client.run("whoami", token=token).stdout
    with package_file(PACKAGE) as path:
        done = client.run("upload", path, token=token)
        assert done.returncode == 0, done.stdout
        channel = server.channel(account.name, "main")
        url = f"{channel}/noarch/{PACKAGE.filename}"
        assert url in done.stdout
        assert requests.get(url, timeout=30).content == PACKAGE.conda()
        assert solve_from([channel], ["demo"]) == [PACKAGE.filename]
        again = client.run("upload", path, token=token)
        assert again.returncode != 0
        assert "already exists" in again.stdout
        skipped = client.run("upload", "--skip-existing", path, token=token)
        assert skipped.returncode == 0
        assert "Skipping upload" in skipped.stdout


def test_anaconda_upload_takes_a_user_and_labels(
    server: RunningServer, account: Account, client: AnacondaClient
) -> None:
    token = account.token(scopes=["write"])
    arguments = ("--label", "dev", "--label", "nightly")
    with package_file(PACKAGE) as path:
        done = client.run("upload", "--user", account.name, *arguments, path, token=token)
        assert done.returncode == 0, done.stdout
    for label in ("dev", "nightly"):
        assert solve_from([server.channel(account.name, label)], ["demo"]) == [PACKAGE.filename]
    answer = requests.get(f"{server.channel(account.name)}/noarch/repodata.json", timeout=30)
    assert answer.status_code == 404, "not in main"
    legacy = PackageBuilder(build="1")
    with package_file(legacy) as path:
        done = client.run("upload", "--user", f"{account.name}/dev", path, token=token)
        assert done.returncode == 0, done.stdout
    assert len(repodata(server.channel(account.name, "dev"))["packages.conda"]) == 2
    assert len(repodata(server.channel(account.name, "nightly"))["packages.conda"]) == 1


def test_anaconda_upload_says_why_it_failed(
    server: RunningServer, account: Account, client: AnacondaClient
) -> None:
    stranger = new_account(server)
    with package_file(PACKAGE) as path:
        for token, words in (
            ("pct-" + 48 * "0", "401"),
            (stranger.token(scopes=["write"]), "403"),
            (account.token(scopes=["read"]), "403"),
        ):
            done = client.run("upload", "--user", account.name, path, token=token)
            assert done.returncode != 0
            assert words in done.stdout
    # What its own reading lets pass, but ours does not.
    invalid = PackageBuilder("Demo").about(summary="A package.")
    with package_file(invalid) as path:
        done = client.run("upload", path, token=account.token(scopes=["write"]))
        assert done.returncode != 0
        assert "the package name" in done.stdout
        assert "Error uploading package" in done.stdout


def test_rattler_build_names_several_labels(server: RunningServer, account: Account) -> None:
    client = RattlerBuild(server, account.token(scopes=["write"]))
    with package_file(PACKAGE) as path:
        client.anaconda(path, account.name, labels=["main", "dev"])
        for label in ("main", "dev"):
            channel = server.channel(account.name, label)
            assert solve_from([channel], ["demo"]) == [PACKAGE.filename]
        with pytest.raises(Exception, match="already exists"):
            client.anaconda(path, account.name, labels=["main"])
        client.anaconda(path, f"{account.name}/other", labels=["main"])


@pytest.fixture
def raw(server: RunningServer, account: Account) -> Raw:
    """The bare requests of one who may upload."""
    return Raw(server, account.token(scopes=["write"]))


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"distribution_type": "pypi"}, 400),
        ({"channels": "main"}, 400),
        ({"channels": [1]}, 400),
        ({"channels": ["ma in"]}, 400),
        ({"channels": ["Main"]}, 200),
        ({"channels": ["a/../b"]}, 400),
        ({"channels": [f"l{number}" for number in range(11)]}, 400),
        ({"sha256": "0"}, 400),
        ({"sha256": {"a": 1}}, 400),
        ({"name": "x.whl"}, 400),
        ({"name": "%00.conda"}, 200),
        ({"channels": None, "sha256": None, "attrs": {}}, 200),
    ],
)
def test_a_stage_is_checked(
    raw: Raw, account: Account, document: dict[str, Any], status: int
) -> None:
    answer = raw.stage(f"{account.name}/dev", **document)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"] == answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b"[" * 100_000, 400), (b'"x"', 400), (b" " * 5_000_000, 413)],
)
def test_a_stage_that_is_no_object_is_refused(
    server: RunningServer, raw: Raw, account: Account, body: bytes, status: int
) -> None:
    url = f"{server.origin}/api/anaconda/stage/{account.name}/demo/1.0/noarch/x.conda"
    headers = {"Authorization": f"token {raw.token}"}
    assert requests.post(url, data=body, headers=headers, timeout=30).status_code == status


def test_a_login_that_names_a_channel_takes_no_other_label(
    server: RunningServer, raw: Raw, account: Account
) -> None:
    url = f"{server.origin}/api/anaconda/stage/{account.name}/dev/demo/1.0/noarch/x.conda"
    headers = {"Authorization": f"token {raw.token}"}
    for labels, status in ((["main"], 200), (["dev"], 200), ([], 200), (["prod"], 400)):
        answer = requests.post(url, json={"channels": labels}, headers=headers, timeout=30)
        assert answer.status_code == status, labels


def test_what_was_staged_is_what_may_come(
    server: RunningServer, raw: Raw, account: Account
) -> None:
    channel, body = f"{account.name}/dev", PackageBuilder().conda()
    sha256 = hashlib.sha256(body).hexdigest()
    staged = raw.stage(channel, sha256=sha256).json()
    other = PackageBuilder().payload(10).conda()
    refused = raw.upload(staged["post_url"], other)
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/xml")
    assert "<Code>InvalidDigest</Code>" in refused.text
    refused = raw.upload(staged["post_url"], PackageBuilder().subdir("linux-64").conda())
    assert refused.status_code == 400
    missing = raw.commit(channel, staged["dist_id"])
    assert (missing.status_code, "uploaded" in missing.json()["error"]) == (404, True)
    wrong_md5 = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    assert raw.upload(staged["post_url"], body, **wrong_md5).status_code == 400
    assert raw.upload(staged["post_url"], body, **{"Content-MD5": "?"}).status_code == 400
    assert raw.upload(staged["post_url"], body).status_code == 201
    assert repodata(server.channel(account.name, "dev"))["packages.conda"], "before the commit"
    again = raw.upload(staged["post_url"], body)
    assert again.status_code == 409
    assert "<Code>Conflict</Code>" in again.text
    assert raw.commit(channel, staged["dist_id"]).status_code == 200
    assert raw.commit(channel, "rubbish").status_code == 403
    assert raw.commit(channel, "").status_code == 403


def test_an_upload_takes_what_was_signed_and_rights_that_last(
    server: RunningServer, raw: Raw, account: Account
) -> None:
    body = PackageBuilder().conda()
    post_url: str = raw.stage(f"{account.name}/dev").json()["post_url"]
    head, _, sealed = post_url.rpartition("/")
    assert head == f"{server.origin}/api/anaconda/staged/{account.name}"
    for url in (f"{head}/{sealed[:-1]}", f"{head}/x", f"{head[: head.rindex('/')]}/other/{sealed}"):
        answer = raw.upload(url, body)
        assert (answer.status_code, "<Error>" in answer.text) == (403, True), url
    assert requests.get(post_url, timeout=30).status_code in (403, 405)
    tokens = account.rest.get("conda/tokens/")["results"]
    assert account.rest.request("DELETE", tokens[0]["pulp_href"]).status_code == 204
    assert raw.upload(post_url, body).status_code == 403, "revoked"
    by_password = requests.post(
        f"{server.origin}/api/anaconda/stage/{account.name}/demo/1.0/noarch/x.conda",
        json={},
        auth=account.auth,
        timeout=30,
    ).json()["post_url"]
    # Credentials that a .netrc adds to the bytes are not looked at.
    form = {"file": body}
    answer = requests.post(by_password, files=form, auth=("nobody", "wrong"), timeout=30)
    assert answer.status_code == 201


def test_behind_tls_the_client_is_sent_to_https(server: RunningServer, account: Account) -> None:
    # Straight to the API, as nginx would: the one-command server's proxy speaks plain HTTP.
    token = account.token(scopes=["write"])
    with socket.socket(socket.AF_UNIX) as api:
        api.connect(str(server.sockets() / "api.sock"))
        api.sendall(
            f"POST /api/anaconda/stage/{account.name}/demo/1.0/noarch/x.conda HTTP/1.1\r\n"
            f"Host: conda.example.com\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n"
            f"Authorization: token {token}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        )
        answer = b"".join(iter(lambda: api.recv(65536), b""))
    assert b'"post_url":"https://conda.example.com/api/anaconda/staged/' in answer


def test_lookups_tell_only_what_one_may_know(
    server: RunningServer, rest: Rest, raw: Raw, account: Account
) -> None:
    account.rest.create("conda/owners/", name=account.name, visibility="private")
    base = f"{server.origin}/api/anaconda"
    paths = (
        f"package/{account.name}/demo",
        f"release/{account.name}/demo/1.0",
        f"dist/{account.name}/demo/1.0/noarch/demo-1.0-0.conda",
        f"dist/{account.name}/demo/1.0/noarch%2Fdemo-1.0-0.conda",
        f"dist/{account.name}/dev/demo/1.0/noarch/demo-1.0-0.conda",
    )
    stranger = new_account(server).token(scopes=["read", "write"])
    bound = account.token(scopes=["read", "write"], bound_to=[f"{account.name}/other"])

    def statuses(token: str | None) -> set[int]:
        headers = {"Authorization": f"token {token}"} if token else {}
        found = (requests.get(f"{base}/{path}", headers=headers, timeout=30) for path in paths)
        return {answer.status_code for answer in found}

    assert statuses(raw.token) == {404}
    name = PackageBuilder().filename
    done = raw.anaconda(f"{account.name}/dev", PackageBuilder().conda(), name=name)
    assert done.json()["labels"] == ["dev"]
    assert statuses(raw.token) == {200}
    assert statuses(account.token(scopes=["read"])) == {200}
    assert statuses(stranger) == {404}
    assert statuses(bound) == {404}
    assert statuses("pct-" + 48 * "0") == {401}
    assert statuses(None) == {404}
    (served,) = rest.get("distributions/conda/conda/", base_path=f"{account.name}/dev")["results"]
    rest.update(served["pulp_href"], content_guard=None)
    for everybody in (None, stranger, bound):
        assert statuses(everybody) == {200}, "the channel is public"
    elsewhere = f"{base}/dist/{account.name}/prod/demo/1.0/noarch/{name}"
    headers = {"Authorization": f"token {raw.token}"}
    assert requests.get(elsewhere, headers=headers, timeout=30).status_code == 404
    odd = f"{base}/dist/{account.name}/demo/1.0/noarch/%00"
    assert requests.get(odd, headers=headers, timeout=30).status_code == 404


def test_the_root_is_open_and_the_user_is_not(server: RunningServer, account: Account) -> None:
    base = f"{server.origin}/api/anaconda"
    for url in (base, f"{base}/"):
        assert requests.head(url, timeout=30).status_code == 200
    assert requests.get(f"{base}/user", timeout=30).status_code == 401
    assert requests.get(f"{base}/user/{account.name}", timeout=30).status_code == 401
    for login, status in (("acme", 200), ("acme/dev", 200), ("-x", 404)):
        answer = requests.get(f"{base}/user/{login}", auth=account.auth, timeout=30)
        assert answer.status_code == status


def test_force_replaces_for_one_who_may_remove(
    server: RunningServer, account: Account, client: AnacondaClient
) -> None:
    served = f"{server.channel(account.name, 'main')}/noarch/{PACKAGE.filename}"
    other = PackageBuilder().about(summary="Another.").payload(100)
    token = account.token(scopes=["write", "delete"])
    writer = account.token(scopes=["write"])
    with package_file(PACKAGE) as path:
        assert client.run("upload", path, token=writer).returncode == 0
    with package_file(other) as path:
        refused = client.run("upload", "--force", path, token=writer)
        assert refused.returncode != 0
        assert "403" in refused.stdout
        assert requests.get(served, timeout=30).content == PACKAGE.conda()
        done = client.run("upload", "--force", path, token=token)
        assert done.returncode == 0, done.stdout
    assert requests.get(served, timeout=30).content == other.conda()
    third = PackageBuilder().about(summary="A third.").payload(200)
    with package_file(third) as path:
        RattlerBuild(server, token).anaconda(path, account.name, labels=["main"], force=True)
    assert requests.get(served, timeout=30).content == third.conda()
    assert solve_from([server.channel(account.name)], ["demo"]) == [PACKAGE.filename]


def test_a_removed_file_leaves_its_name_open(server: RunningServer, account: Account) -> None:
    channel, name = f"{account.name}/dev", PACKAGE.filename
    maintainer = Raw(server, account.token(scopes=["read", "write", "delete"]))
    writer = Raw(server, account.token(scopes=["write"]))
    other = PackageBuilder().payload(100).conda()
    assert writer.anaconda(channel, PACKAGE.conda(), name=name).ok
    assert maintainer.anaconda(channel, other, name=name).status_code == 409
    assert writer.remove(f"dist/{account.name}/demo/1.0/noarch/{name}").status_code == 403
    assert maintainer.remove(f"dist/{account.name}/demo/1.0/noarch/{name}").status_code == 200
    assert maintainer.remove(f"dist/{account.name}/demo/1.0/noarch/{name}").status_code == 404
    assert writer.anaconda(channel, other, name=name).status_code == 200


def test_what_several_channels_have_is_removed_from_the_one_that_is_named(
    server: RunningServer, account: Account
) -> None:
    raw = Raw(server, account.token(scopes=["write", "delete"]))
    for channel in ("dev", "prod"):
        for package in (PackageBuilder(), PackageBuilder(version="2.0")):
            upload = raw.anaconda(
                f"{account.name}/{channel}", package.conda(), name=package.filename
            )
            assert upload.ok
    refused = raw.remove(f"dist/{account.name}/demo/1.0/noarch/demo-1.0-0.conda")
    assert refused.status_code == 409
    assert f"{account.name}/dev" in refused.json()["error"]
    assert raw.remove(f"release/{account.name}/dev/demo/1.0").status_code == 201
    assert set(repodata(server.channel(account.name, "dev"))["packages.conda"]) == {
        "demo-2.0-0.conda"
    }
    assert len(repodata(server.channel(account.name, "prod"))["packages.conda"]) == 2
    assert raw.remove(f"package/{account.name}/prod/demo").status_code == 201
    assert not repodata(server.channel(account.name, "prod"))["packages.conda"]
    stranger = Raw(server, new_account(server).token(scopes=["read", "write", "delete"]))
    assert stranger.remove(f"package/{account.name}/dev/demo").status_code == 403


def test_anaconda_show_works(
    server: RunningServer, rest: Rest, account: Account, client: AnacondaClient
) -> None:
    raw = Raw(server, account.token(scopes=["write"]))
    newer = PackageBuilder(version="10.0").about(description="Told\nat length.", license="MIT")
    for package in (newer, PACKAGE, PackageBuilder(version="9.0")):
        assert raw.anaconda(f"{account.name}/dev", package.conda(), name=package.filename).ok
    token = account.token(scopes=["read"])
    name = f"{account.name}/demo"
    told = {
        name: (
            "Name:    demo", "Summary: Told at length.", "Access:  public", "Types:  Conda",
            "   + 10.0\n   + 9.0\n   + 1.0\n",
        ),
        f"{name}/1.0": ("version 1.0", f"   + noarch/{PACKAGE.filename}", "A package."),
        f"{name}/1.0/noarch/{PACKAGE.filename}": (
            f"noarch/{PACKAGE.filename}\nA package.", "labels", "'dev'", "license", "'MIT'",
        ),
    }  # fmt: skip
    for spec, texts in told.items():
        done = client.run("show", spec, token=token)
        assert done.returncode == 0, done.stdout
        for text in texts:
            assert text in done.stdout
    guard = rest.create("contentguards/conda/conda/", name=account.name)["pulp_href"]
    (served,) = rest.get("distributions/conda/conda/", base_path=f"{account.name}/dev")["results"]
    rest.update(served["pulp_href"], content_guard=guard)
    assert "Access:  private" in client.run("show", name, token=token).stdout
    stranger = new_account(server).token(scopes=["read"])
    refused = client.run("show", name, token=stranger)
    assert refused.returncode != 0
    assert "that you may see" in refused.stdout


def test_anaconda_remove_works(
    server: RunningServer, account: Account, client: AnacondaClient
) -> None:
    token = account.token(scopes=["write", "delete"])
    with package_file(PACKAGE) as path:
        assert client.run("upload", path, token=token).returncode == 0
    spec = f"{account.name}/demo/1.0/noarch/{PACKAGE.filename}"
    done = client.run("remove", "--force", spec, token=token)
    assert done.returncode == 0, done.stdout
    assert not repodata(server.channel(account.name))["packages.conda"]
