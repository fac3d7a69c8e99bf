"""Many uploads during faults: every 201 is installable, every failure can be retried."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import bearer
from tests.functional.harness import ONE_OF_EACH, PATIENCE_SECONDS, Rest, RunningServer
from tests.functional.homes import Homes
from tests.functional.retries import assert_whole

_CLIENTS = 8
_UPLOADS = 300
_PASSING = (502, 503, 507)
"""Statuses that a client may get during a fault, and after which it tries again."""


class Publisher:
    """A CI job with a token, which tries again until its package is stored."""

    def __init__(self, servers: list[RunningServer]) -> None:
        self._servers = servers
        token = Rest(servers[0]).create("conda/tokens/", name="ci", scopes=["write"])["token"]
        self._headers = bearer(token)
        self.failures: list[int] = []

    def upload(self, package: PackageBuilder) -> None:
        """Upload a package; 409 means that an earlier attempt succeeded."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        body = package.conda()
        tried = False
        while time.monotonic() < deadline:
            server = self._servers[crc32(package.filename.encode()) % len(self._servers)]
            url = f"{server.channel('acme')}/x.conda"
            try:
                answer = server.put(url, body, auth=None, headers=self._headers)
            except requests.ConnectionError:
                tried = True
                time.sleep(0.3)
                continue
            if answer.status_code == 201 or (tried and answer.status_code == 409):
                return
            assert answer.status_code in _PASSING, (
                answer.text,
                (server.home / "logs" / "api.log").read_text()[-6000:],
            )
            self.failures.append(answer.status_code)
            tried = True
            time.sleep(0.3)
        raise AssertionError(f"{package.filename} could not be uploaded")

    def upload_all(self, packages: list[PackageBuilder]) -> None:
        """Upload packages, several at a time."""
        with ThreadPoolExecutor(_CLIENTS) as pool:
            list(pool.map(self.upload, packages))


def packages_of(count: int) -> list[PackageBuilder]:
    """Return small packages that differ."""
    return [PackageBuilder(f"demo{number}").payload(5000) for number in range(count)]


def break_connections(server: RunningServer) -> None:
    """End all connections to the database, as a failover or a restarted pooler does."""
    master = server.pids()["postgresql"]
    for child in Path(f"/proc/{master}/task/{master}/children").read_text().split():
        try:
            title = Path(f"/proc/{child}/cmdline").read_text()
            if " [local] " in title or "127.0.0.1" in title:
                os.kill(int(child), signal.SIGTERM)
        except (OSError, ProcessLookupError):
            continue


def kill_a_child(server: RunningServer, chance: random.Random) -> None:
    """Kill one of the API's processes."""
    master = server.pids()["api"]
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    if children:
        os.kill(int(chance.choice(children)), signal.SIGKILL)


def test_processes_die_at_random_during_uploads(
    own_server: RunningServer, chance: random.Random
) -> None:
    faults: list[Callable[[], None]] = [
        lambda: own_server.kill("worker"),
        lambda: own_server.kill("content"),
        lambda: own_server.kill("proxy"),
        lambda: own_server.kill("api"),
        lambda: own_server.kill("postgresql"),
        lambda: kill_a_child(own_server, chance),
        lambda: break_connections(own_server),
    ]
    chance.shuffle(faults)
    publisher = Publisher([own_server])
    done = threading.Event()

    def break_things() -> None:
        for fault in faults:
            if done.wait(chance.uniform(0.5, 3)):
                return
            fault()

    breaker = threading.Thread(target=break_things)
    breaker.start()
    packages = packages_of(_UPLOADS)
    try:
        publisher.upload_all(packages)
    finally:
        done.set()
        breaker.join()
    assert_whole(own_server, {package.filename for package in packages})
    # The next start removes the incomplete uploads of a killed process.
    own_server.restart()
    assert not list((own_server.home / "tmp").rglob("*.upload*"))
    assert_whole(own_server, {package.filename for package in packages})


def test_two_servers_share_a_database(own_server: RunningServer, tmp_path: Path) -> None:
    home = tmp_path / "second"
    home.mkdir()
    first = (own_server.home / "settings.py").read_text()
    shared = [line for line in first.splitlines() if line.startswith(("DATABASES", "MEDIA_ROOT"))]
    key = own_server.home / "database-key"
    own = "\n".join([*shared, f"DB_ENCRYPTION_KEY = {str(key)!r}"])
    (home / "settings.local.py").write_text(own)
    second = RunningServer(home).start()
    try:
        packages = packages_of(60)
        Publisher([own_server, second]).upload_all(packages)
        for server in (own_server, second):
            assert_whole(server, {package.filename for package in packages})
    finally:
        second.stop()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a small file system on a folder."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize(
    "settings", ["MEDIA_ROOT = {disk!r}", "WORKING_DIRECTORY = FILE_UPLOAD_TEMP_DIR = {disk!r}"]
)
def test_the_storage_is_full(homes: Homes, tmp_path: Path, settings: str) -> None:
    disk = tmp_path / "disk"
    # No reserve, because the disk is smaller than the default reserve and has to fill up.
    settings = f"{settings.format(disk=str(disk))}\nCONDA_DISK_RESERVE_BYTES = 0\n"
    home = homes.make(tmp_path / "home", settings)
    with small_disk(disk, 8):
        server = RunningServer(home, arguments=ONE_OF_EACH).start()
        try:
            url = f"{server.channel('acme')}/x.conda"
            small = PackageBuilder("small").payload(50_000)
            assert server.put(url, small.conda()).status_code == 201
            large = PackageBuilder("large").payload(9_000_000).conda()
            refused = server.put(url, large)
            assert (refused.status_code, set(refused.json())) == (507, {"reason", "message"})
            assert_whole(server, {small.filename})
            assert not list(disk.rglob("*.upload*"))
            other = PackageBuilder("other").payload(50_000)
            assert server.put(url, other.conda()).status_code == 201
            assert_whole(server, {small.filename, other.filename})
        finally:
            server.stop()
