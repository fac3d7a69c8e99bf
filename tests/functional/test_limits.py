"""Limits that an administrator sets: of a package, a channel and an owner, and of patience."""

from collections.abc import Iterator

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.harness import ONE_OF_EACH, RunningServer
from tests.functional.homes import Homes

_SETTINGS = """
CONDA_MAX_PACKAGE_BYTES = 200_000
CONDA_MAX_CHANNEL_PACKAGES = 3
CONDA_MAX_CHANNEL_BYTES = 150_000
CONDA_MAX_OWNER_BYTES = 250_000
CONDA_UPLOAD_TIMEOUT_SECONDS = 2
"""


@pytest.fixture(scope="module")
def limited(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with narrow limits."""
    home = homes.make(tmp_path_factory.mktemp("limits") / "home", _SETTINGS)
    server = RunningServer(home, arguments=ONE_OF_EACH).start()
    yield server
    server.stop()


def put(server: RunningServer, owner: str, channel: str, name: str, size: int = 1000) -> int:
    """Upload a package of about so many bytes; check that a refusal says why."""
    body = PackageBuilder(name).payload(size).conda()
    answer = server.put(f"{server.channel(owner, channel)}/x.conda", body)
    if not answer.ok:
        assert set(answer.json()) == {"reason", "message"}
        url = f"{server.channel(owner, channel)}/noarch/{name}-1.0-0.conda"
        assert requests.get(url, timeout=30).status_code == 404
    return answer.status_code


def test_a_package_may_be_so_large(limited: RunningServer, owner: str) -> None:
    assert put(limited, owner, "a", "small", 100_000) == 201
    assert put(limited, owner, "a", "large", 300_000) == 413
    body = iter([PackageBuilder("large").payload(300_000).conda()])  # its length undeclared
    assert limited.put(f"{limited.channel(owner)}/x.conda", body).status_code == 413


def test_a_channel_may_hold_so_many(limited: RunningServer, owner: str) -> None:
    statuses = [put(limited, owner, "a", f"demo{number}") for number in range(5)]
    assert statuses == [201, 201, 201, 403, 403]
    assert put(limited, owner, "b", "demo") == 201


def test_a_channel_may_hold_so_much(limited: RunningServer, owner: str) -> None:
    assert put(limited, owner, "a", "one", 100_000) == 201
    assert put(limited, owner, "a", "two", 100_000) == 403
    assert put(limited, owner, "a", "three", 10_000) == 201


def test_an_owner_may_hold_so_much(limited: RunningServer, owner: str) -> None:
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


def test_an_upload_waits_so_long(limited: RunningServer, owner: str) -> None:
    assert put(limited, owner, "a", "first") == 201
    limited.shell(_HOLD.format(name=f"{owner}/a"))
    body = PackageBuilder("second").conda()
    url = f"{limited.channel(owner, 'a')}/x.conda"
    busy = limited.put(url, body)
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "5")
    assert 2 <= busy.elapsed.total_seconds() < 10
    limited.shell(_LET_GO)
    names = requests.get(f"{limited.channel(owner, 'a')}/noarch/repodata.json", timeout=30).json()
    assert set(names["packages.conda"]) == {"first-1.0-0.conda"}, "the upload was withdrawn"
    assert limited.put(url, body).status_code == 201
