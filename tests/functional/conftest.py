"""One server for all tests, a second one with domains where a test asks for it.

The tests of one process share these servers and run one after the other. So a test may count what
a whole server holds, and clean all of it up. Nothing may use a server of another process, whatever
way pytest-xdist distributes the tests: `loadfile` only saves the fixtures of a file from being
made twice.
"""

import itertools
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.harness import Rest, RunningServer
from tests.functional.homes import Homes
from tests.functional.leftovers import removed_in_the_end
from tests.processes import dies_with_tests

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def databases_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Remove what root's servers keep outside of their homes, which pytest's folder hides."""
    with removed_in_the_end(tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    """Makes homes for servers that need not prepare a database of their own."""
    folder = tmp_path_factory.getbasetemp()
    # Test processes that run side by side have folders of their own in a common one.
    return Homes(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)


@pytest.fixture(scope="session")
def server(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server as `bin/serve` starts it, shared by the tests that leave it running."""
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
    """The port of a redis of our own."""
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
