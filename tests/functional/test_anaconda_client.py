"""anaconda-client: uploads, labels, look-ups and removals by the real command."""

from pathlib import Path

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, new_account
from tests.functional.channels import repodata
from tests.functional.clients import solve_from
from tests.functional.harness import Rest, RunningServer
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
    """anaconda-client, in its own virtual environment."""
    client = install_anaconda_client(tmp_path_factory.mktemp("anaconda-client"))
    return client or pytest.skip("pip cannot install anaconda-client")


@pytest.fixture
def client(server: RunningServer, installed: AnacondaClient, tmp_path: Path) -> AnacondaClient:
    """anaconda-client as the documentation sets it up."""
    client = AnacondaClient(installed.python, tmp_path)
    done = client.run("config", "--set", "url", f"{server.origin}/api/anaconda")
    assert done.returncode == 0, done.stdout
    return client


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
    # The client's own check accepts this package, the server's does not.
    invalid = PackageBuilder("Demo").about(summary="A package.")
    with package_file(invalid) as path:
        done = client.run("upload", path, token=account.token(scopes=["write"]))
        assert done.returncode != 0
        assert "the package name" in done.stdout
        assert "Error uploading package" in done.stdout


def test_force_replaces_for_users_who_may_remove(
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


def test_anaconda_show_works(
    server: RunningServer, rest: Rest, account: Account, client: AnacondaClient
) -> None:
    raw = Raw(server, account.token(scopes=["write"]))
    newer = PackageBuilder(version="10.0").about(description="Told\nat length.", license="MIT")
    for package in (newer, PACKAGE, PackageBuilder(version="9.0")):
        assert raw.anaconda(f"{account.name}/dev", package.conda(), name=package.filename).ok
    token = account.token(scopes=["read"])
    name = f"{account.name}/demo"
    expected = {
        name: (
            "Name:    demo", "Summary: Told at length.", "Access:  public", "Types:  Conda",
            "   + 10.0\n   + 9.0\n   + 1.0\n",
        ),
        f"{name}/1.0": ("version 1.0", f"   + noarch/{PACKAGE.filename}", "A package."),
        f"{name}/1.0/noarch/{PACKAGE.filename}": (
            f"noarch/{PACKAGE.filename}\nA package.", "labels", "'dev'", "license", "'MIT'",
        ),
    }  # fmt: skip
    for spec, texts in expected.items():
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
