"""The main task: real packages are uploaded, and a real client installs them."""

from pathlib import Path

from tests.builders import PackageBuilder
from tests.functional.clients import install_from
from tests.functional.harness import Rest, RunningServer
from tests.real_data import needs_real_packages, real_packages

_SPECS = ["libsqlite", "readline", "tzdata"]


def upload_all(server: RunningServer, owner: str) -> None:
    for path in real_packages():
        with path.open("rb") as body:
            answer = server.put(f"{server.channel(owner)}/{path.name}", body)
        assert answer.status_code == 201, answer.text


def assert_installs(channel: str, prefix: Path) -> None:
    names = install_from([channel], _SPECS, prefix)
    assert {name.rsplit("-", 2)[0] for name in names} >= set(_SPECS)
    assert (prefix / "lib/libsqlite3.so.0").resolve().stat().st_size > 1_000_000
    assert (prefix / "lib/libreadline.so").exists()
    assert (prefix / "share/zoneinfo/Europe/Berlin").exists()


@needs_real_packages
def test_real_packages_install_also_after_a_restart(
    own_server: RunningServer, tmp_path: Path
) -> None:
    upload_all(own_server, "acme")
    assert_installs(own_server.channel("acme"), tmp_path / "1")
    assert_installs(f"{own_server.origin}/pulp/content/acme/main/", tmp_path / "2")
    own_server.restart()
    assert_installs(own_server.channel("acme"), tmp_path / "3")


def test_an_owner_is_a_domain(domain_server: RunningServer, owner: str, tmp_path: Path) -> None:
    storage = {"location": str(tmp_path), "MEDIA_ROOT": str(domain_server.home / "media")}
    Rest(domain_server).create(
        "domains/",
        name=owner,
        storage_class="pulpcore.app.models.storage.FileSystem",
        storage_settings=storage,
    )
    package = PackageBuilder().file("share/demo")
    for name in (owner, "default"):
        url = f"{domain_server.channel(name, 'own')}/x.conda"
        assert domain_server.put(url, package.conda()).status_code == 201
    unknown = domain_server.put(f"{domain_server.channel('nobody')}/x.conda", package.conda())
    assert unknown.status_code == 404
    channel = domain_server.channel(owner, "own")
    assert install_from([channel], ["demo"], tmp_path / "prefix") == ["demo-1.0-0.conda"]
    found = Rest(domain_server, owner).get("content/conda/packages/", name="demo")
    assert found["count"] == 1


@needs_real_packages
def test_real_packages_install_from_a_domain(domain_server: RunningServer, tmp_path: Path) -> None:
    upload_all(domain_server, "default")
    assert_installs(domain_server.channel("default"), tmp_path / "1")
    assert_installs(f"{domain_server.origin}/pulp/content/default/main/", tmp_path / "2")
