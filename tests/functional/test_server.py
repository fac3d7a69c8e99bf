"""The one-command server: start, stop, restart, and what can prevent a start."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.builders import PackageBuilder
from tests.functional.harness import (
    ONE_OF_EACH,
    PATIENCE_SECONDS,
    Rest,
    RunningServer,
    failed_start,
    wait_for,
)
from tests.functional.homes import Homes
from tests.processes import is_alive


def test_a_second_start_keeps_the_data_and_a_stop_leaves_no_process(
    own_server: RunningServer,
) -> None:
    body = PackageBuilder().conda()
    assert own_server.put(f"{own_server.channel('acme')}/x.conda", body).status_code == 201
    _run_tasks(own_server)
    pids = own_server.pids().values()
    assert own_server.stop() < 30
    assert not any(is_alive(pid) for pid in pids)
    # The process that reports deaths to Pulp is as expensive to start as a worker.
    reaper = own_server.home / "logs" / "reaper.log"
    assert not reaper.exists(), "the end of a task is no death"
    began = time.monotonic()
    own_server.start()
    print(f"second start: {time.monotonic() - began:.1f} s")
    url = f"{own_server.channel('acme')}/noarch/demo-1.0-0.conda"
    assert requests.get(url, timeout=30).content == body


def _run_tasks(server: RunningServer) -> None:
    """Run a few tasks in the workers, longer than the supervisor looks away."""
    rest = Rest(server)
    (repository,) = rest.get("repositories/conda/conda/")["results"]
    for _ in range(15):
        rest.wait(rest.request("POST", f"{repository['pulp_href']}cleanup/"))


def test_the_processes_of_a_killed_supervisor_end(own_server: RunningServer) -> None:
    pids = own_server.pids().values()
    assert own_server._process is not None
    own_server._process.kill()
    own_server._process.wait()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(is_alive(pid) for pid in pids)
    # After a reboot, another process may have the id that a lock file names.
    (own_server.home / "postgresql/data/postmaster.pid").write_text(f"{os.getpid()}\n")
    own_server.start()
    assert own_server.put(f"{own_server.channel('acme')}/x.conda", PackageBuilder().conda()).ok


def test_a_second_server_on_the_same_home_or_port_is_refused(
    server: RunningServer, tmp_path: Path
) -> None:
    same_home = failed_start("--home", str(server.home), "--port", "0")
    assert (same_home.returncode, same_home.stdout) == (1, "")
    assert "another server is running" in same_home.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        same_port = failed_start("--home", str(tmp_path / "home"), "--port", port)
    assert same_port.returncode == 1
    assert not (tmp_path / "home").exists()
    assert f"port {port} is in use" in same_port.stderr
    assert "--port" in same_port.stderr


def test_a_number_that_is_no_port_is_refused(tmp_path: Path) -> None:
    refused = failed_start("--home", str(tmp_path / "home"), "--port", "99999")
    assert (refused.returncode, refused.stderr) == (
        1,
        "serve: 99999 is not a port; they end at 65535\n",
    )


def test_the_password_is_printed_once_and_is_in_no_process_list(
    homes: Homes, tmp_path: Path
) -> None:
    home = homes.make(tmp_path / "home")
    (home / "admin-password").unlink()
    made_up = {"PULP_CONDA_ADMIN_PASSWORD": ""}
    server = RunningServer(home, arguments=ONE_OF_EACH, env=made_up)
    server.start()
    try:
        printed = re.search(r"^The user admin has the password (\S+)", server.log.read_text(), re.M)
        assert printed is not None
        status = f"{server.origin}/pulp/api/v3/users/"
        assert requests.get(status, auth=("admin", printed[1]), timeout=30).ok
        assert (home / "admin-password").read_text() == printed[1]
        seen = [
            path
            for process in Path("/proc").glob("[0-9]*")
            for path in (process / "cmdline", process / "environ")
            if printed[1].encode() in _content(path)
        ]
        assert seen == []
        server.restart()
        assert printed[1] not in server.log.read_text()
    finally:
        server.kill_everything()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_full_log_is_rotated(server: RunningServer) -> None:
    log = server.home / "logs" / "content.log"
    os.truncate(log, 21 * 1024**2)
    wait_for(lambda: (log.with_name("content.log.1")).exists() and log.stat().st_size < 1024**2)
    url = f"{server.channel('absent')}/repodata.json"
    assert requests.get(url, timeout=30).status_code == 404


def test_the_printed_upload_works_as_printed(server: RunningServer, tmp_path: Path) -> None:
    package = tmp_path / "with space" / "printed-1.0-0.conda"
    package.parent.mkdir()
    package.write_bytes(PackageBuilder("printed").conda())
    upload = re.search(r"^ *(curl .*)$", server.log.read_text(), re.MULTILINE)
    assert upload is not None
    subprocess.run(["sh", "-c", upload[1]], check=True, env={**os.environ, "PACKAGE": str(package)})
    url = f"{server.channel('admin', 'main')}/noarch/{package.name}"
    assert requests.get(url, timeout=30).content == package.read_bytes()


def test_domains_are_not_hidden_by_a_start_without_them(homes: Homes, tmp_path: Path) -> None:
    home = homes.make(tmp_path / "home")
    server = RunningServer(home, domains=True, arguments=ONE_OF_EACH)
    server.start()
    storage = {"location": str(home / "media" / "acme")}
    Rest(server).create(
        "domains/",
        name="acme",
        storage_class="pulpcore.app.models.storage.FileSystem",
        storage_settings=storage,
    )
    server.stop()
    refused = failed_start("--home", str(home), "--port", "0")
    assert refused.returncode == 1
    assert "This server has domains (acme): start it with --domains." in refused.stderr


def test_a_database_in_the_settings_is_used_instead_of_the_embedded_one(
    server: RunningServer, tmp_path: Path
) -> None:
    manage = [manager(), "shell", "-c", "from django.db import connection as c\n"
              "c.cursor().execute('CREATE DATABASE given')"]  # fmt: skip
    subprocess.run(manage, check=True, env=environment(server))
    given = {
        "PULP_DATABASES__default__HOST": str((server.home / "postgresql").resolve() / "run"),
        "PULP_DATABASES__default__NAME": "given",
        "PULP_DATABASES__default__USER": "postgres",
    }
    other = RunningServer(tmp_path / "home", arguments=ONE_OF_EACH, env=given)
    other.start()
    try:
        assert "postgresql" not in other.pids()
        assert not (other.home / "postgresql").exists()
        assert other.put(f"{other.channel('acme')}/x.conda", PackageBuilder().conda()).ok
        assert (
            requests.get(f"{server.channel('acme')}/repodata.json", timeout=30).status_code == 404
        )
    finally:
        other.stop()


def test_secrets_are_for_the_owner_alone(server: RunningServer) -> None:
    for name in ("settings.py", "secret-key", "database-key", "admin-password", "processes.json"):
        assert (server.home / name).stat().st_mode & 0o077 == 0, name


def test_the_rest_api_describes_itself_without_a_warning(server: RunningServer) -> None:
    described = subprocess.run(
        [manager(), "openapi", "--component", "conda"],
        check=False, capture_output=True, text=True, env=environment(server),
    )  # fmt: skip
    assert described.returncode == 0, described.stderr[-3000:]
    document = json.loads(described.stdout)
    assert any("/content/conda/packages/" in path for path in document["paths"])
    complaints = [line for line in described.stderr.splitlines() if "conda" in line.lower()]
    assert complaints == []


def test_the_migrations_are_those_of_the_models(server: RunningServer) -> None:
    command = [manager(), "makemigrations", "conda", "--check", "--dry-run"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment(server)
    )
    assert "No changes detected" in done.stdout


def manager() -> str:
    return str(Path(sys.executable).with_name("pulpcore-manager"))


def environment(server: RunningServer) -> dict[str, str]:
    return {**os.environ, "PULP_SETTINGS": str(server.home / "settings.py")}
