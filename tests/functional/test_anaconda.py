"""anaconda.org's API: staging, labels, look-ups, and removal, by single requests."""

import hashlib
import socket
from typing import Any

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, new_account
from tests.functional.channels import repodata
from tests.functional.clients import solve_from
from tests.functional.harness import Rest, RunningServer
from tests.functional.uploaders import (
    RattlerBuild,
    Raw,
    package_file,
)

PACKAGE = PackageBuilder().about(summary="A package.", license="MIT")


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
    """The single requests of a user who may upload."""
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
def test_a_stage_that_is_not_an_object_is_refused(
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


def test_only_the_staged_file_may_be_uploaded(
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


def test_an_upload_needs_a_signed_stage_and_rights_that_still_hold(
    server: RunningServer, raw: Raw, account: Account
) -> None:
    body = PackageBuilder().conda()
    post_url: str = raw.stage(f"{account.name}/dev").json()["post_url"]
    head, _, signed = post_url.rpartition("/")
    assert head == f"{server.origin}/api/anaconda/staged/{account.name}"
    for url in (f"{head}/{signed[:-1]}", f"{head}/x", f"{head[: head.rindex('/')]}/other/{signed}"):
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
    # Credentials that a .netrc adds to the upload are ignored.
    form = {"file": body}
    answer = requests.post(by_password, files=form, auth=("nobody", "wrong"), timeout=30)
    assert answer.status_code == 201


def test_behind_tls_the_client_is_sent_to_https(server: RunningServer, account: Account) -> None:
    # Directly to the API, as nginx sends it: the one-command server's proxy has no TLS.
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


def test_lookups_answer_only_users_who_may_read(
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


def test_the_root_is_public_and_the_user_is_not(server: RunningServer, account: Account) -> None:
    base = f"{server.origin}/api/anaconda"
    for url in (base, f"{base}/"):
        assert requests.head(url, timeout=30).status_code == 200
    assert requests.get(f"{base}/user", timeout=30).status_code == 401
    assert requests.get(f"{base}/user/{account.name}", timeout=30).status_code == 401
    for login, status in (("acme", 200), ("acme/dev", 200), ("-x", 404)):
        answer = requests.get(f"{base}/user/{login}", auth=account.auth, timeout=30)
        assert answer.status_code == status


def test_the_name_of_a_removed_file_can_be_used_again(
    server: RunningServer, account: Account
) -> None:
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


def test_a_file_of_several_channels_is_removed_from_the_named_one(
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
