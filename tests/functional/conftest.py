"""The fixtures of functional tests: a shared server, a shared one with domains, and own servers.

The tests of one process share these servers and run one after the other. So a test may count and
clean up everything on a server. No test may use a server of another process, so that pytest-xdist
may distribute the tests in any way. `loadfile` only avoids making the fixtures of a file twice.
"""

import itertools
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.accounts import Account, new_account
from tests.functional.faulty_upstream import FaultyUpstream, faulty_upstream
from tests.functional.harness import Rest, RunningServer
from tests.functional.homes import Homes
from tests.functional.leftovers import removed_at_the_end
from tests.functional.mirrors import ALLOWED
from tests.functional.on_demand import Channel, Running, server_with_two_processes
from tests.processes import dies_with_tests

_numbers = itertools.count(1)

_FIRST = (
    "test_rights_table.py",  # prepares the database that later homes are copies of
    "test_wheel.py",  # needs no such home, so another process does not wait for it
    "test_server_first_start.py",  # likewise
    "test_load.py",
    "test_server.py",
)
"""The longest files. Were one of them last, one process would run it after the others ended."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, but after the tests of other folders."""
    places = {Path(__file__).with_name(name): place for place, name in enumerate(_FIRST)}
    functional = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        return places.get(item.path, len(places)) if functional in item.path.parents else -1

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def databases_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Remove the databases that root's servers keep outside of pytest's folder."""
    with removed_at_the_end(tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    """Makes homes whose database is prepared already."""
    folder = tmp_path_factory.getbasetemp()
    # Each parallel test process has a folder in a common folder.
    return Homes(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)


@pytest.fixture(scope="session")
def server(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server as `bin/serve` starts it, for tests that leave it running."""
    running = RunningServer(homes.make(tmp_path_factory.mktemp("shared") / "home")).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def domain_server(
    homes: Homes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server with `--domains`."""
    running = RunningServer(homes.make(tmp_path_factory.mktemp("domains") / "home"), domains=True)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def mirroring(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that may ask an upstream on the same machine, for tests that leave it running."""
    running = RunningServer(homes.make(tmp_path_factory.mktemp("mirroring") / "home", ALLOWED))
    yield running.start()
    running.stop()


@pytest.fixture
def own_server(homes: Homes, tmp_path: Path) -> Iterator[RunningServer]:
    """A server that the test may break."""
    running = RunningServer(homes.make(tmp_path / "home")).start()
    yield running
    running.kill_everything()


@pytest.fixture
def rest(server: RunningServer) -> Rest:
    """Pulp's REST API of the shared server."""
    return Rest(server)


@pytest.fixture
def owner() -> str:
    """An owner that no other test uses."""
    return f"owner{next(_numbers)}"


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a redis that this run starts."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs Debian's package redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    process = subprocess.Popen(
        [*command, "--save", ""], stdout=subprocess.DEVNULL, preexec_fn=dies_with_tests
    )
    yield port
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def demand(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with two content processes, whose channels have files of upstreams."""
    home = homes.make(tmp_path_factory.mktemp("demand") / "home")
    with server_with_two_processes(home) as running:
        yield running


@pytest.fixture(scope="session")
def faulty() -> Iterator[FaultyUpstream]:
    """An upstream that misbehaves as it is told."""
    with faulty_upstream() as upstream:
        yield upstream


@pytest.fixture
def channel(demand: Running, faulty: FaultyUpstream) -> Channel:
    """A channel with files of that upstream."""
    return Channel(demand, faulty)


@pytest.fixture
def account(server: RunningServer) -> Account:
    """A user who publishes into their own namespace."""
    return new_account(server)
