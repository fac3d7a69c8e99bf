"""The one-command server's first start: refused, interrupted, and in a fresh checkout."""

import json
import os
import pwd
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pulp_conda.server.home import Home
from tests.functional.harness import (
    PATIENCE_SECONDS,
    RunningServer,
    failed_start,
    wait_for,
)
from tests.processes import dies_with_tests


def test_a_folder_with_other_files_is_not_touched(tmp_path: Path) -> None:
    precious = tmp_path / "postgresql" / "data" / "thesis"
    precious.parent.mkdir(parents=True)
    precious.touch()
    tmp_path.chmod(0o750)
    before = sorted(tmp_path.rglob("*"))
    refused = failed_start("--home", str(tmp_path), "--port", "0")
    assert refused.returncode == 1
    expected = f"{tmp_path} is not a server's home, and not empty: it contains postgresql"
    assert expected in refused.stderr
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path.stat().st_mode & 0o777, tmp_path.stat().st_uid) == (0o750, os.geteuid())


def test_a_database_that_the_server_did_not_make_is_not_touched(open_folder: Path) -> None:
    home = Home(open_folder / "home")
    home.open()
    home.close()
    precious = home.path / "postgresql" / "data" / "thesis"
    precious.parent.mkdir(parents=True)
    precious.touch()
    refused = failed_start("--home", str(home.path), "--port", "0")
    assert refused.returncode == 1
    assert f"{home.path}/postgresql was not made by this server" in refused.stderr
    assert precious.exists()


def test_the_message_names_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = failed_start("--home", str(tmp_path / "file" / "home"), "--port", "0")
    assert refused.returncode == 1
    assert f"cannot use the home {tmp_path}/file/home" in refused.stderr


_UNSAFE_MIGRATION = "core.0138"  # which is no transaction


def test_a_server_starts_after_an_interrupted_first_start(
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
    assert output.splitlines()[-1] == "stopping", "at once, and not after the set-up"
    running = subprocess.run(["pgrep", "-f", str(home)], check=False, capture_output=True)
    assert running.stdout == b""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's folder."""
    folder = Path(tempfile.mkdtemp(prefix="pulp-conda-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


_NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}


@pytest.fixture
def open_checkout(open_folder: Path) -> Path:
    """A fresh checkout that every user may read, with the environment of a user beside it."""
    probe = "command -v python3 && python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'"
    env = _environment(open_folder)
    if subprocess.run(["sh", "-c", probe], check=False, env=env, **_NOBODY).returncode:
        pytest.skip("no Python of 3.11 or newer that every user can run")
    checkout = open_folder / "checkout"
    unwanted = shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", "*.egg-info")
    shutil.copytree(Path(__file__).parents[2], checkout, ignore=unwanted)
    for folder in (checkout, open_folder / "user"):
        folder.mkdir(exist_ok=True)
        subprocess.run(["chown", "-R", "65534:65534", str(folder)], check=True)
    return checkout


def _environment(folder: Path) -> dict[str, str]:
    return {"HOME": str(folder / "user"), "PATH": "/usr/local/bin:/usr/bin:/bin"}


def _serve_until_ready(checkout: Path, *arguments: str, **identity: Any) -> "subprocess.Popen[str]":
    """Start `bin/serve` of a checkout as a user; return when it says that it is ready."""
    command = [str(checkout / "bin" / "serve"), "--port", "0", "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--api-workers", "1", *arguments],
        stdout=subprocess.PIPE, text=True, cwd="/", env=_environment(checkout.parent), **identity,
        preexec_fn=dies_with_tests,
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("ready:"):
            return process
    raise AssertionError("".join(lines))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_and_root_run_a_fresh_copy(open_checkout: Path) -> None:
    folder = open_checkout.parent
    process = _serve_until_ready(open_checkout, **_NOBODY)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert (folder / "user/.local/share/pulp_conda/postgresql/data").exists()
    home = folder / "roots"
    process = _serve_until_ready(open_checkout, "--home", str(home))
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
