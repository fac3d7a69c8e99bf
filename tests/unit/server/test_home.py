"""A home is made so that only its owner reads it, and is recognised later."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulp_conda.server.home import Home
from pulp_conda.server.options import ServerError


@pytest.fixture
def home() -> Iterator[Home]:
    # Short, as sockets of a home with a long name lie elsewhere.
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "below" / "home")
        home.open()
        yield home


def test_nobody_else_reads_a_home(home: Home) -> None:
    home.secret("secret-key")
    old_mask = os.umask(0)
    home.write("settings.py", "x = 1")
    os.umask(old_mask)
    # As root, PostgreSQL's user passes through.
    assert home.path.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
    for name in ("secret-key", "settings.py", "identity", "logs", "media", "tmp", "assets"):
        assert (home.path / name).stat().st_mode & 0o077 == 0, name


def test_a_secret_is_made_up_once(home: Home) -> None:
    assert home.secret("one") == home.secret("one") != home.secret("other")


def test_a_home_made_anew_is_another_one(home: Home, tmp_path: Path) -> None:
    before = home.identity
    home.close()
    home.path.rename(tmp_path / "moved")
    moved, anew = Home(tmp_path / "moved"), Home(home.path)
    moved.open()
    anew.open()
    assert moved.identity == before != anew.identity


def test_two_servers_do_not_share_a_home(home: Home) -> None:
    with pytest.raises(ServerError, match=f"another server is running in {home.path}"):
        Home(home.path).open()
    home.close()
    Home(home.path).open()


def test_what_a_killed_server_left_is_removed(home: Home) -> None:
    sockets = home.sockets()
    (sockets / "api.sock").touch()
    (home.tmp / "upload").touch()
    (home.tmp / "worker" / "task").mkdir(parents=True)
    (home.media / "artifact").touch()
    assert home._lock is not None
    home._lock.close()
    Home(home.path).open()
    assert not sockets.exists()
    assert list(home.tmp.iterdir()) == []
    assert (home.media / "artifact").exists()


def test_sockets_of_a_home_with_a_long_name_lie_elsewhere(tmp_path: Path) -> None:
    home = Home(tmp_path / ("x" * 100))
    home.open()
    sockets = home.sockets()
    assert len(str(sockets)) < 85
    assert sockets.stat().st_mode & 0o077 == 0
    home.close()
    assert not sockets.exists()
