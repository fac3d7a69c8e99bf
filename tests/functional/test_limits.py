"""Limits that an administrator sets, for packages, channels and owners, and for waiting."""

from collections.abc import Iterator
from pathlib import Path
from tarfile import SYMTYPE

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, bearer, new_account
from tests.functional.channels import packages
from tests.functional.harness import ONE_OF_EACH, Rest, RunningServer
from tests.functional.homes import Homes
from tests.functional.retries import upload_until_there
from tests.functional.uploaders import Raw

_LARGEST = 200_000
_FORM = {"Content-Type": "multipart/form-data; boundary=x"}
_ROUTES = {
    "put": ("PUT", "/api/packages/{owner}/conda/dev/{name}", {}),
    "quetz": ("POST", "/api/channels/{owner}/dev/upload/{name}", {}),
    "quetz, a form": ("POST", "/api/channels/{owner}/dev/upload/{name}", _FORM),
    "prefix": ("POST", "/api/v1/upload/{owner}/dev", {"X-File-Name": "{name}"}),
    "prefix, a form": ("POST", "/api/v1/upload/{owner}/dev", _FORM),
    "anaconda": ("POST", "", _FORM),
}
"""The URLs that packages are sent to, with headers."""

_SETTINGS = f"""
CONDA_MAX_PACKAGE_BYTES = {_LARGEST}
CONDA_MAX_CHANNEL_PACKAGES = 3
CONDA_MAX_CHANNEL_BYTES = 150_000
CONDA_MAX_OWNER_BYTES = 250_000
CONDA_OUTSIDE_LINKS = "accept"
"""
_WAITING_SECONDS = 2


@pytest.fixture(scope="module")
def limited(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with narrow limits."""
    home = homes.make(tmp_path_factory.mktemp("limits") / "home", _SETTINGS)
    server = RunningServer(home, arguments=ONE_OF_EACH).start()
    yield server
    server.stop()


def put(server: RunningServer, owner: str, channel: str, name: str, size: int = 1000) -> int:
    """Upload a package of about `size` bytes; check that a refusal gives the reason."""
    body = PackageBuilder(name).payload(size).conda()
    answer = server.put(f"{server.channel(owner, channel)}/x.conda", body)
    if not answer.ok:
        assert set(answer.json()) == {"reason", "message"}
        url = f"{server.channel(owner, channel)}/noarch/{name}-1.0-0.conda"
        assert requests.get(url, timeout=30).status_code == 404
    return answer.status_code


def test_the_size_of_a_package_is_limited(limited: RunningServer, owner: str) -> None:
    assert put(limited, owner, "a", "small", 100_000) == 201
    assert put(limited, owner, "a", "large", 300_000) == 413
    body = iter([PackageBuilder("large").payload(300_000).conda()])  # its length undeclared
    assert limited.put(f"{limited.channel(owner)}/x.conda", body).status_code == 413


def test_links_out_of_a_package_may_be_accepted(limited: RunningServer, owner: str) -> None:
    body = PackageBuilder(owner).payload_member("l", type=SYMTYPE, linkname="/usr/lib/x").conda()
    assert limited.put(f"{limited.channel(owner)}/x.conda", body).status_code == 201
    assert put(limited, owner, "main", f"{owner}-inside") == 201
    rest = Rest(limited)
    found = rest.get("content/conda/packages/", name__startswith=owner, trait="outside_links")
    assert [(unit["name"], unit["traits"]) for unit in found["results"]] == [
        (owner, ["outside_links"])
    ]


@pytest.fixture(scope="module")
def account(limited: RunningServer) -> Account:
    """A user who publishes into a namespace of their own."""
    return new_account(limited)


def check(
    server: RunningServer, account: Account, route: str, size: str, **named: str
) -> requests.Response:
    """Ask by an upload check whether the upload may begin."""
    method, path, headers = _ROUTES[route]
    names = {"owner": account.name, "name": "x.conda", **named}
    url = server.origin + path.format(**names)
    token = names.get("token") or account.token(scopes=["write"])
    if route == "anaconda":
        staged = Raw(server, token).stage(f"{names['owner']}/dev")
        if not staged.ok:
            return staged
        url = staged.json()["post_url"]
    headers = {name: value.format(**names) for name, value in headers.items()}
    headers |= {} if token == "none" else bearer(token)
    headers |= {"X-Upload-Check": f"bytes={size}"}
    return requests.request(method, url, headers=headers, timeout=30)


@pytest.mark.parametrize("route", _ROUTES)
def test_an_upload_check_needs_no_body(
    limited: RunningServer, account: Account, route: str
) -> None:
    largest = _LARGEST + (1024**2 if _ROUTES[route][2] is _FORM else 0)
    for size in ("1", "", str(largest)):
        allowed = check(limited, account, route, size)
        assert (allowed.status_code, allowed.content) == (204, b"")
        assert allowed.headers["X-Upload-Limit"] == str(largest)
        assert allowed.headers["X-Disk-Reserve"] == str(1024**3)
    for size in (str(largest + 1), str(900 * 10**9)):
        refused = check(limited, account, route, size)
        assert refused.status_code == 413
        assert size.encode() in refused.content
    assert check(limited, account, route, "1", token="none").status_code == 401
    assert check(limited, account, route, "1", token="pct-" + 48 * "0").status_code == 401
    assert check(limited, account, route, "1", owner="somebody").status_code == 403
    assert check(limited, account, route, "x").status_code == 400
    if "{name}" in str(_ROUTES[route]):
        assert check(limited, account, route, "1", name="x.txt").status_code in (400, 404)
    assert not Rest(limited).get("repositories/conda/conda/", name=f"{account.name}/dev")["count"]


@pytest.mark.parametrize("route", ["quetz, a form", "prefix, a form", "anaconda"])
def test_the_size_of_a_form_is_limited(
    limited: RunningServer, account: Account, route: str
) -> None:
    package = PackageBuilder("large").payload(_LARGEST + 100).conda()
    raw = Raw(limited, account.token(scopes=["write"]))
    upload = getattr(raw, route.partition(",")[0])
    assert upload(f"{account.name}/dev", package).status_code == 413


def test_the_number_of_packages_in_a_channel_is_limited(limited: RunningServer, owner: str) -> None:
    statuses = [put(limited, owner, "a", f"demo{number}") for number in range(5)]
    assert statuses == [201, 201, 201, 403, 403]
    assert put(limited, owner, "b", "demo") == 201


def test_the_size_of_a_channel_is_limited(limited: RunningServer, owner: str) -> None:
    assert put(limited, owner, "a", "one", 100_000) == 201
    assert put(limited, owner, "a", "two", 100_000) == 403
    assert put(limited, owner, "a", "three", 10_000) == 201


def test_the_size_of_an_owners_channels_is_limited(limited: RunningServer, owner: str) -> None:
    assert put(limited, owner, "a", "one", 120_000) == 201
    assert put(limited, owner, "b", "two", 100_000) == 201
    assert put(limited, owner, "c", "three", 100_000) == 403
    assert put(limited, f"{owner}b", "c", "three", 100_000) == 201


def test_a_deleted_package_makes_room(limited: RunningServer, owner: str) -> None:
    assert put(limited, owner, "a", "one", 100_000) == 201
    url = f"{limited.channel(owner, 'a')}/noarch/one-1.0-0.conda"
    assert requests.delete(url, auth=("admin", "password"), timeout=30).status_code == 204
    assert put(limited, owner, "a", "two", 100_000) == 201


_HOLD = """
from pulpcore.app.models import AppStatus, Task
from pulpcore.plugin.util import get_prn
from pulp_conda.app.models import CondaRepository
repository = CondaRepository.objects.get(name={name!r})
holder = AppStatus.objects.filter(app_type="api").order_by("-last_heartbeat").first()
Task.objects.create(name="holds", state="running", unblocked_at="2020-01-01T00:00:00Z",
                    reserved_resources_record=[get_prn(repository)], app_lock=holder)
"""

_LET_GO = """
from pulpcore.plugin.models import Task
Task.objects.filter(name="holds").delete()
"""


def test_the_wait_of_an_upload_is_limited(homes: Homes, tmp_path: Path) -> None:
    setting = f"CONDA_UPLOAD_TIMEOUT_SECONDS = {_WAITING_SECONDS}\n"
    home = homes.make(tmp_path / "home", setting)
    with RunningServer(home, arguments=ONE_OF_EACH).start() as server:
        package, late = PackageBuilder(), PackageBuilder("late")
        upload_until_there(server, package)
        server.shell(_HOLD.format(name="acme/main"))
        url = server.channel("acme")
        busy = server.put(f"{url}/x.conda", late.conda())
        assert (busy.status_code, busy.headers["Retry-After"]) == (503, "5")
        assert busy.elapsed.total_seconds() >= _WAITING_SECONDS
        server.shell(_LET_GO)
        assert packages(url) == {package.filename}, "the upload was withdrawn"
        upload_until_there(server, late)
        assert packages(url) == {package.filename, late.filename}


def test_uploads_leave_room_on_the_disk(homes: Homes, tmp_path: Path) -> None:
    home = homes.make(tmp_path / "home", "CONDA_DISK_RESERVE_BYTES = 2**60\n")
    with RunningServer(home, arguments=ONE_OF_EACH).start() as server:
        url, body = server.channel("reserve"), PackageBuilder().conda()
        for sent in (body, iter([body])):
            full = server.put(f"{url}/x.conda", sent)
            assert full.status_code == 507
            assert set(full.json()) == {"reason", "message"}
        account = new_account(server)
        for route in _ROUTES:
            assert check(server, account, route, "1").status_code == 507
        assert requests.get(f"{url}/noarch/repodata.json", timeout=30).status_code == 404
