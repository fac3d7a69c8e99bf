"""Only its owner can read a home, and a server recognises its home later."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulp_conda.server.configuration import write_settings
from pulp_conda.server.home import Home
from pulp_conda.server.options import ServerError, parse_options
from pulp_conda.server.password import AdminPassword


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
    made = ("secret-key", "settings.py", "pulp_conda-home", "logs", "media", "tmp", "run", "assets")
    for name in made:
        assert (home.path / name).stat().st_mode & 0o077 == 0, name


def test_a_secret_is_generated_once(home: Home) -> None:
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


def test_files_of_a_killed_server_are_removed(home: Home) -> None:
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


def test_a_folder_with_nothing_in_it_but_settings_becomes_a_home(tmp_path: Path) -> None:
    (tmp_path / "settings.local.py").write_text("x = 1")
    tmp_path.chmod(0o750)
    home = Home(tmp_path)
    home.open()
    home.close()
    assert (tmp_path / "settings.local.py").read_text() == "x = 1"
    assert tmp_path.stat().st_mode & 0o777 == 0o750
    home.open()


@pytest.mark.parametrize("name", ["postgresql", "tmp", "settings.py", "identity", ".hidden"])
def test_somebody_elses_folder_does_not_become_a_home(tmp_path: Path, name: str) -> None:
    precious = tmp_path / name / "precious"
    precious.parent.mkdir()
    precious.touch()
    sentence = f"not a server's home, and not empty: it contains {name}"
    with pytest.raises(ServerError, match=sentence):
        Home(tmp_path).open()
    assert list(tmp_path.rglob("*")) == [precious.parent, precious]


def test_settings_that_were_not_written_here_are_not_overwritten(home: Home) -> None:
    options = parse_options(["--home", str(home.path)])
    first = write_settings(home, options, "http://127.0.0.1", None, None)
    assert write_settings(home, options, "http://127.0.0.1", None, None) == first
    first.write_text("SECRET_KEY = 'mine'")
    with pytest.raises(ServerError, match=f"{first} was not written by this server"):
        write_settings(home, options, "http://127.0.0.1", None, None)
    assert first.read_text() == "SECRET_KEY = 'mine'"


def test_a_password_is_generated_once_and_stored(home: Home) -> None:
    made_up = AdminPassword.choose(home, None)
    assert made_up.made_up
    assert made_up.write() is not None
    interrupted = AdminPassword.choose(home, None)
    assert interrupted.made_up
    assert interrupted.value != made_up.value
    interrupted.write()
    interrupted.keep()
    kept = AdminPassword.choose(home, None)
    assert (kept.value, kept.made_up, kept.write()) == (interrupted.value, False, None)
    given = AdminPassword.choose(home, 'a "b" \\c')
    assert (given.made_up, given.is_set) == (False, False)
    netrc = given.write_netrc("127.0.0.1")
    assert netrc.stat().st_mode & 0o077 == 0
    assert netrc.read_text() == 'machine 127.0.0.1 login admin password "a \\"b\\" \\\\c"\n'
