"""The one-command server: started, stopped, restarted, and what may be in its way."""

import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pulp_conda.server.home import Home
from tests.builders import PackageBuilder
from tests.functional.harness import (
    ONE_OF_EACH,
    PATIENCE_SECONDS,
    Rest,
    RunningServer,
)
from tests.functional.homes import Homes
from tests.processes import dies_with_tests, is_alive


def serve(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a server that is expected to give up."""
    return subprocess.run(
        [sys.executable, "-m", "pulp_conda.server", *arguments],
        check=False, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )  # fmt: skip


def test_a_second_start_keeps_the_data_and_a_stop_leaves_no_process(
    own_server: RunningServer,
) -> None:
    body = PackageBuilder().conda()
    assert own_server.put(f"{own_server.channel('acme')}/x.conda", body).status_code == 201
    pids = own_server.pids().values()
    assert own_server.stop() < 30
    assert not any(is_alive(pid) for pid in pids)
    began = time.monotonic()
    own_server.start()
    print(f"second start: {time.monotonic() - began:.1f} s")
    url = f"{own_server.channel('acme')}/noarch/demo-1.0-0.conda"
    assert requests.get(url, timeout=30).content == body


def test_a_killed_supervisor_takes_its_processes_along(own_server: RunningServer) -> None:
    pids = own_server.pids().values()
    assert own_server._process is not None
    own_server._process.kill()
    own_server._process.wait()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(is_alive(pid) for pid in pids)
    # At the latest after a reboot another process has the number that a lock file names.
    (own_server.home / "postgresql/data/postmaster.pid").write_text(f"{os.getpid()}\n")
    own_server.start()
    assert own_server.put(f"{own_server.channel('acme')}/x.conda", PackageBuilder().conda()).ok


def test_a_second_server_on_the_same_home_or_port_is_refused(
    server: RunningServer, tmp_path: Path
) -> None:
    same_home = serve("--home", str(server.home), "--port", "0")
    assert (same_home.returncode, same_home.stdout) == (1, "")
    assert "another server is running" in same_home.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        same_port = serve("--home", str(tmp_path / "home"), "--port", port)
    assert same_port.returncode == 1
    assert not (tmp_path / "home").exists()
    assert f"port {port} is in use" in same_port.stderr
    assert "--port" in same_port.stderr


def test_a_number_that_is_no_port_is_refused(tmp_path: Path) -> None:
    refused = serve("--home", str(tmp_path / "home"), "--port", "99999")
    assert (refused.returncode, refused.stderr) == (
        1,
        "serve: 99999 is not a port; they end at 65535\n",
    )


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "postgresql" / "data" / "thesis"
    precious.parent.mkdir(parents=True)
    precious.touch()
    tmp_path.chmod(0o750)
    before = sorted(tmp_path.rglob("*"))
    refused = serve("--home", str(tmp_path), "--port", "0")
    assert refused.returncode == 1
    assert f"{tmp_path} is no server's home, and not empty: it holds postgresql" in refused.stderr
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path.stat().st_mode & 0o777, tmp_path.stat().st_uid) == (0o750, os.geteuid())


def test_a_database_that_a_home_did_not_make_is_left_alone(open_folder: Path) -> None:
    home = Home(open_folder / "home")
    home.open()
    home.close()
    precious = home.path / "postgresql" / "data" / "thesis"
    precious.parent.mkdir(parents=True)
    precious.touch()
    refused = serve("--home", str(home.path), "--port", "0")
    assert refused.returncode == 1
    assert f"{home.path}/postgresql was not made by this server" in refused.stderr
    assert precious.exists()


def test_the_password_is_told_once_and_is_in_no_process_list(homes: Homes, tmp_path: Path) -> None:
    home = homes.make(tmp_path / "home")
    (home / "admin-password").unlink()
    made_up = {"PULP_CONDA_ADMIN_PASSWORD": ""}
    server = RunningServer(home, arguments=ONE_OF_EACH, env=made_up)
    server.start()
    try:
        told = re.search(r"^The user admin has the password (\S+)", server.log.read_text(), re.M)
        assert told is not None
        status = f"{server.origin}/pulp/api/v3/users/"
        assert requests.get(status, auth=("admin", told[1]), timeout=30).ok
        assert (home / "admin-password").read_text() == told[1]
        seen = [
            path
            for path in Path("/proc").glob("[0-9]*/*")
            if path.name in ("cmdline", "environ") and told[1].encode() in _content(path)
        ]
        assert seen == []
        server.restart()
        assert told[1] not in server.log.read_text()
    finally:
        server.kill_everything()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_full_log_is_put_aside(server: RunningServer) -> None:
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
    refused = serve("--home", str(home), "--port", "0")
    assert refused.returncode == 1
    assert "This server has domains (acme): start it with --domains." in refused.stderr


def test_a_given_database_is_used_instead_of_an_own_one(
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


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = serve("--home", str(tmp_path / "file" / "home"), "--port", "0")
    assert refused.returncode == 1
    assert f"cannot use the home {tmp_path}/file/home" in refused.stderr


_UNSAFE_MIGRATION = "core.0138"  # which is no transaction


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_first_start_that_was_interrupted_is_made_up_for(
    tmp_path: Path, chance: random.Random
) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "pulp_conda.server", "--home", str(home), "--port", "0"]
    log = home / "logs" / "bootstrap.log"
    for interrupt in (chance.uniform(0.3, 5), chance.uniform(5, 12), _UNSAFE_MIGRATION):
        print(f"killed after {interrupt}")
        log.unlink(missing_ok=True)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=dies_with_tests)
        if isinstance(interrupt, float):
            time.sleep(interrupt)
        else:
            wait_for(lambda: log.exists() and _UNSAFE_MIGRATION in log.read_text())
        process.send_signal(signal.SIGKILL)
        process.wait()
    server = RunningServer(home).start()
    assert requests.get(f"{server.origin}/pulp/api/v3/status/", timeout=30).ok
    server.stop()


def test_ctrl_c_during_the_set_up_stops_everything(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "pulp_conda.server", "--home", str(home), "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, preexec_fn=dies_with_tests
    )
    log = home / "logs" / "bootstrap.log"
    wait_for(lambda: log.exists() and "Applying" in log.read_text())
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert output.splitlines()[-1] == "stopping", "and not when all was set up"
    running = subprocess.run(["pgrep", "-f", str(home)], check=False, capture_output=True)
    assert running.stdout == b""


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


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="pulp-conda-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_and_root_run_a_fresh_copy(open_folder: Path) -> None:
    nobody: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}
    env = {"HOME": str(open_folder / "user"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    probe = "command -v python3 && python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'"
    if subprocess.run(["sh", "-c", probe], check=False, env=env, **nobody).returncode:
        pytest.skip("no Python of 3.11 or newer that every user can run")
    checkout = open_folder / "checkout"
    unwanted = shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", "*.egg-info")
    shutil.copytree(Path(__file__).parents[2], checkout, ignore=unwanted)
    for folder in (checkout, open_folder / "user"):
        folder.mkdir(exist_ok=True)
        subprocess.run(["chown", "-R", "65534:65534", str(folder)], check=True)

    def serve_until_ready(*arguments: str, **identity: Any) -> "subprocess.Popen[str]":
        command = [str(checkout / "bin" / "serve"), "--port", "0", "--workers", "1"]
        process = subprocess.Popen(
            [*command, "--api-workers", "1", *arguments],
            stdout=subprocess.PIPE, text=True, cwd="/", env=env, **identity,
            preexec_fn=dies_with_tests,
        )  # fmt: skip
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("ready:"):
                return process
        raise AssertionError("".join(lines))

    process = serve_until_ready(**nobody)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert (open_folder / "user/.local/share/pulp_conda/postgresql/data").exists()
    home = open_folder / "roots"
    process = serve_until_ready("--home", str(home))
    try:
        pids = json.loads((home / "processes.json").read_text())
        user = str(pwd.getpwnam("pulp_conda").pw_uid)
        for pid in (process.pid, *pids.values()):
            assert re.findall(r"^Uid:(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M) == [
                f"\t{user}" * 4
            ]
        assert {path.owner() for path in home.rglob("*")} == {"pulp_conda"}
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)
