"""Rules that hold for every dialect, tested by real clients and by single requests."""

import hashlib
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, bearer, new_account
from tests.functional.channels import repodata
from tests.functional.clients import solve_from
from tests.functional.harness import PASSWORD, Rest, RunningServer
from tests.functional.uploaders import RattlerBuild, Raw, package_file

RATTLER_BUILD = ["quetz", "artifactory", "prefix", "anaconda"]
DIALECTS = ["quetz", "prefix", "prefix_raw", "anaconda", "put"]
FORCING = ["quetz", "prefix", "prefix_raw"]

Upload = Callable[..., requests.Response]


def by(dialect: str, server: RunningServer, token: str) -> Upload:
    """Return a dialect's upload: it takes channel and body and returns the decisive answer."""
    upload: Upload = getattr(Raw(server, token), dialect)
    return upload


def nothing_left(server: RunningServer, rest: Rest, account: Account, artifacts: int) -> bool:
    """Tell whether an upload into a user's namespace left nothing behind."""
    return (
        rest.get("artifacts/", limit=1)["count"] == artifacts
        and not rest.get("distributions/conda/conda/", base_path=f"{account.name}/dev")["count"]
        and not list((server.home / "tmp").rglob("*.upload*"))
    )


@pytest.mark.parametrize("dialect", RATTLER_BUILD)
def test_packages_uploaded_by_rattler_build_can_be_solved(
    server: RunningServer, account: Account, dialect: str
) -> None:
    token = account.token(scopes=["write"])
    package = PackageBuilder("demo").about(summary="A package.")
    with package_file(package) as path:
        upload = getattr(RattlerBuild(server, token), dialect)
        upload(path, f"{account.name}/dev")
        assert solve_from([server.channel(account.name, "dev")], ["demo"]) == [package.filename]
        with pytest.raises(Exception, match=r"(?i)exists|error"):
            upload(path, f"{account.name}/dev")


@pytest.mark.parametrize("dialect", RATTLER_BUILD)
def test_an_owner_without_a_channel_means_the_default_channel(
    server: RunningServer, account: Account, dialect: str
) -> None:
    where = f"{account.name}/main" if dialect == "anaconda" else account.name
    with package_file(PackageBuilder().about(summary="A package.")) as path:
        if dialect == "artifactory":
            raw = Raw(server, account.token(scopes=["write"]))
            assert raw.put(where, PackageBuilder().conda()).status_code == 201
        else:
            getattr(RattlerBuild(server, account.token(scopes=["write"])), dialect)(path, where)
    assert repodata(server.channel(account.name))["packages.conda"]


def test_prefix_skips_what_exists_and_replaces_by_force(
    server: RunningServer, account: Account
) -> None:
    token = account.token(scopes=["write", "delete"])
    client, channel = RattlerBuild(server, token), f"{account.name}/dev"
    first, second = PackageBuilder().payload(100), PackageBuilder().payload(200)
    with package_file(first) as path:
        client.prefix(path, channel)
    with package_file(second) as path:
        client.prefix(path, channel, skip_existing=True)
        records = repodata(server.channel(account.name, "dev"))["packages.conda"]
        assert records[first.filename]["size"] == len(first.conda())
        client.prefix(path, channel, force=True)
        records = repodata(server.channel(account.name, "dev"))["packages.conda"]
        assert records[first.filename]["size"] == len(second.conda())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_answers_of_an_upload(
    server: RunningServer, rest: Rest, account: Account, dialect: str
) -> None:
    channel, body = f"{account.name}/dev", PackageBuilder().conda()
    stranger = new_account(server).token(scopes=["read", "write", "delete"])
    artifacts = rest.get("artifacts/", limit=1)["count"]
    assert by(dialect, server, "pct-" + 48 * "0")(channel, body).status_code == 401
    assert by(dialect, server, stranger)(channel, body).status_code == 403
    assert by(dialect, server, account.token(scopes=["read"]))(channel, body).status_code == 403
    upload = by(dialect, server, account.token(scopes=["write"]))
    assert upload(channel, b"rubbish").status_code == 400
    assert upload(channel, b"").status_code == 400
    assert upload(channel, body, sha256=64 * "0").status_code == 400
    assert upload(channel, body, name="x.tar.gz").status_code in (400, 404)
    assert upload(channel, body[:-30]).status_code == 400
    assert upload(f"{account.name}/Bad!Channel", body).status_code in (400, 404)
    assert nothing_left(server, rest, account, artifacts)
    sha256 = hashlib.sha256(body).hexdigest()
    name = PackageBuilder().filename
    assert upload(channel, body, sha256=sha256.upper(), name=name).status_code in (200, 201)
    assert upload(channel, body, name=name).status_code == 409
    assert upload(channel, PackageBuilder().payload(9).conda(), name=name).status_code == 409
    assert solve_from([server.channel(account.name, "dev")], ["demo"]) == [name]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_packages_own_name_counts(server: RunningServer, account: Account, dialect: str) -> None:
    package = PackageBuilder("demo", "2.0", "h1_1")
    upload = by(dialect, server, account.token(scopes=["write"]))
    sha256 = hashlib.sha256(package.conda()).hexdigest()
    assert upload(f"{account.name}/dev", package.conda(), sha256=sha256).ok
    assert package.filename in repodata(server.channel(account.name, "dev"))["packages.conda"]
    legacy = PackageBuilder("demo", "3.0").tar_bz2()
    sha256 = hashlib.sha256(legacy).hexdigest()
    assert upload(f"{account.name}/dev", legacy, sha256=sha256, name="x.tar.bz2").ok


@pytest.mark.parametrize("dialect", FORCING)
def test_force_requires_the_right_to_remove(
    server: RunningServer, account: Account, dialect: str
) -> None:
    channel, first = f"{account.name}/dev", PackageBuilder().payload(100).conda()
    second = PackageBuilder().payload(200).conda()
    writer = by(dialect, server, account.token(scopes=["write"]))
    assert writer(channel, first).status_code == 201
    assert writer(channel, second, force="true").status_code == 403
    assert writer(channel, second, force="false").status_code == 409
    publisher = new_account(server)
    (repository,) = Rest(server).get("repositories/conda/conda/", name=channel)["results"]
    publisher.give("conda.channel_publisher", repository["pulp_href"])
    forcing = by(dialect, server, publisher.token(scopes=["write", "delete"]))
    assert forcing(channel, second, force="true").status_code == 403
    assert forcing(channel, second).status_code == 409
    forcing = by(dialect, server, account.token(scopes=["write", "delete"]))
    assert forcing(channel, second, force="true").status_code == 201
    served = f"{server.channel(account.name, 'dev')}/noarch/demo-1.0-0.conda"
    assert requests.get(served, timeout=30).content == second
    assert forcing(channel, second, force="true").status_code == 201, "once more"


@pytest.mark.parametrize(
    "path",
    [
        "/api/channels/{owner}%2Fdev/upload/x.conda",
        "/api/channels/{owner}/team/dev/upload/x.conda",
        "/api/v1/upload/{owner}%2Fdev",
        "/api/v1/upload/{owner}/team/dev",
    ],
)
def test_a_channels_slashes_may_be_quoted_or_many(
    server: RunningServer, account: Account, path: str
) -> None:
    name = "team/dev" if "team" in path else "dev"
    answer = requests.post(
        server.origin + path.format(owner=account.name),
        data=PackageBuilder().conda(),
        headers={**bearer(account.token(scopes=["write"])), "X-File-Name": "x.conda"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"filename": "demo-1.0-0.conda", "subdir": "noarch"}
    assert repodata(server.channel(account.name, name))["packages.conda"]


@pytest.mark.parametrize(
    "path", ["/api/channels/{}/upload/x.conda", "/api/v1/upload/{}", "/api/packages/{}/x.conda"]
)
def test_impossible_names_are_400_and_no_accept_header_is_406(
    server: RunningServer, account: Account, path: str
) -> None:
    method = "PUT" if "packages" in path else "POST"
    headers = {"Accept": "text/turtle", "X-File-Name": "x.conda"}

    def status(where: str) -> int:
        return requests.request(
            method,
            server.origin + path.format(where),
            data=PackageBuilder().conda(),
            headers={**headers, **bearer(account.token(scopes=["write"]))},
            timeout=30,
        ).status_code

    name = account.name + "/conda" if "packages" in path else account.name
    assert status(f"-{name}/dev") == 400
    assert status(f"{name}/d ev") == 400
    assert status(f"{name}/dev%00") == 400
    assert status(f"{name}/Dev") == 201


def test_a_form_that_was_cut_short_leaves_nothing(
    server: RunningServer, rest: Rest, account: Account
) -> None:
    token = account.token(scopes=["write"])
    raw = Raw(server, token)
    url = f"{server.origin}/api/v1/upload/{account.name}/dev"
    package = PackageBuilder().payload(100_000).conda()
    whole = requests.Request("POST", url, files={"file": ("x.conda", package)}).prepare()
    artifacts = rest.get("artifacts/", limit=1)["count"]
    assert isinstance(whole.body, bytes)
    head = {**bearer(token), "Content-Type": whole.headers["Content-Type"]}
    staged = raw.stage(f"{account.name}/dev").json()["post_url"]
    for length in (50_000, len(whole.body) - 60, len(whole.body) - 4, 30, 0):
        for target in (url, staged):
            answer = requests.post(target, data=whole.body[:length], headers=head, timeout=30)
            assert answer.status_code == 400, length
    where = urlsplit(url)
    lines = [f"{key}: {value}" for key, value in {**head, "Host": "x"}.items()]
    with socket.create_connection((where.hostname, where.port)) as client:
        request = f"POST {where.path} HTTP/1.1\r\nContent-Length: {len(whole.body)}\r\n"
        client.sendall(f"{request}{chr(13) + chr(10).join(lines)}\r\n\r\n".encode())
        client.sendall(whole.body[:50_000])
    assert nothing_left(server, rest, account, artifacts)
    assert raw.prefix(f"{account.name}/dev", package).status_code == 201


def test_quetz_takes_a_form_too(server: RunningServer, account: Account) -> None:
    url = f"{server.origin}/api/channels/{account.name}/dev/upload/x.conda"
    files = {"file": ("whatever.conda", PackageBuilder().conda())}
    headers = {"X-API-Key": account.token(scopes=["write"])}
    answer = requests.post(url, files=files, headers=headers, timeout=30)
    assert answer.status_code == 201
    assert repodata(server.channel(account.name, "dev"))["packages.conda"]


def test_artifactorys_checksums_are_checked(server: RunningServer, account: Account) -> None:
    url = f"{server.channel(account.name, 'dev')}/noarch/demo-1.0-0.conda"
    body = PackageBuilder().conda()
    token = bearer(account.token(scopes=["write"]))
    for name, right in (
        ("X-Checksum-Sha256", hashlib.sha256(body).hexdigest()),
        ("X-Checksum-Md5", hashlib.md5(body).hexdigest()),
    ):
        headers = {**token, name: "0" * len(right)}
        answer = server.put(url, body, auth=None, headers=headers)
        assert answer.status_code == 400
        assert right in answer.json()["message"]
        assert server.put(url, body, auth=None, headers={**token, name: right}).status_code in (
            201,
            409,
        )


def test_with_domains_the_owner_is_the_domain(domain_server: RunningServer) -> None:
    rest = Rest(domain_server)
    settings = {"location": str(domain_server.home / "dialects")}
    storage = "pulpcore.app.models.storage.FileSystem"
    rest.create("domains/", name="acme", storage_class=storage, storage_settings=settings)
    token = rest.create("conda/tokens/", name="dialects", scopes=["read", "write"])["token"]
    for number, dialect in enumerate(DIALECTS):
        package = PackageBuilder(version=f"{number}")
        upload = by(dialect, domain_server, token)
        assert upload("acme/dev", package.conda(), name=package.filename).ok
        assert upload("nowhere/dev", package.conda()).status_code == 404
    held = repodata(domain_server.channel("acme", "dev"))["packages.conda"]
    assert len(held) == len(DIALECTS)
    by_password = requests.post(
        f"{domain_server.origin}/api/v1/upload/acme/dev",
        data=PackageBuilder("other").conda(),
        headers={"X-File-Name": "x.conda"},
        auth=("admin", PASSWORD),
        timeout=30,
    )
    assert by_password.status_code == 201
