"""The folder in which a server keeps everything: data, keys, settings, sockets and logs."""

import base64
import fcntl
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .options import ServerError

_LONGEST_SOCKET_FOLDER = 85
"""Bytes; the kernel allows 107 for folder and name together."""

_MARKER = "pulp_conda-home"
_LOCK = "lock"
_MAY_BE_THERE = {"settings.local.py", _LOCK, f"{_MARKER}.new"}
"""What may lie in a folder that is about to become a home: settings, and what an interrupted
start left.
"""


def is_short_enough(folder: Path) -> bool:
    """Tell whether sockets can lie in a folder."""
    return len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER


@dataclass(slots=True)
class Home:
    """A server's folder, held by at most one server at a time."""

    path: Path
    _lock: IO[str] | None = None
    _sockets: list[Path] = field(default_factory=list)

    def open(self) -> None:
        """Create what is missing and take the lock; safe to repeat after an interruption.

        Raises:
            ServerError: the folder is somebody else's or cannot be written to, or another server
                runs in it.
        """
        try:
            self.check()
            if not self.path.exists():
                self.path.mkdir(parents=True)
                # As root, PostgreSQL's user has to pass through; the files themselves stay closed.
                # A folder that was there keeps its mode.
                self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            self._lock = (self.path / _LOCK).open("a")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._make()
        except BlockingIOError as error:
            raise ServerError(f"another server is running in {self.path}") from error
        except OSError as error:
            raise ServerError(f"cannot use the home {self.path}: {error.strerror}") from error
        self._tidy()

    def check(self) -> None:
        """See to it that the folder is a home already, or nothing is in it.

        Raises:
            ServerError: it is somebody else's.
        """
        if not self.path.exists() or self.is_made:
            return
        foreign = sorted({path.name for path in self.path.iterdir()} - _MAY_BE_THERE)
        if foreign:
            raise ServerError(
                f"{self.path} is no server's home, and not empty: it holds {foreign[0]}; "
                "choose another with --home"
            )

    @property
    def is_made(self) -> bool:
        """Whether the folder is a home."""
        return (self.path / _MARKER).exists()

    def _make(self) -> None:
        if not self.is_made:
            # Before anything else, so that an interrupted first start is known for what it is.
            self.write(_MARKER, secrets.token_hex(8))
        for folder in (self.logs, self.media, self.tmp, self._run, self.path / "assets"):
            folder.mkdir(mode=0o700, exist_ok=True)

    def _tidy(self) -> None:
        """Remove what a server left that was killed: sockets, and uploads that broke off."""
        for folder in (self.tmp, self._run):
            for leftover in folder.iterdir():
                if leftover.is_dir() and not leftover.is_symlink():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)

    def close(self) -> None:
        """Let another server have the folder."""
        for folder in self._sockets:
            shutil.rmtree(folder, ignore_errors=True)
        self._sockets.clear()
        if self._lock:
            self._lock.close()
            self._lock = None

    @property
    def logs(self) -> Path:
        """Where each process writes its log."""
        return self.path / "logs"

    @property
    def media(self) -> Path:
        """Where artifacts are stored."""
        return self.path / "media"

    @property
    def tmp(self) -> Path:
        """Pulp's working directory; on the file system of `media`, so that saving is a rename."""
        return self.path / "tmp"

    @property
    def _run(self) -> Path:
        return self.path / "run"

    @property
    def identity(self) -> str:
        """A name for this home that no other has, for what has to lie outside of it.

        Not its path: a folder that is removed and made anew must not find the old one's database.
        """
        return (self.path / _MARKER).read_text()

    def sockets(self) -> Path:
        """Return a new folder for sockets, which exists until the home is closed.

        New at every start, so that a dying gunicorn of the last one cannot remove our socket.
        """
        short = is_short_enough(self._run / "12345678")
        folder = Path(
            tempfile.mkdtemp(prefix="", dir=self._run)
            if short
            else tempfile.mkdtemp(prefix="pulp-conda-")
        )
        self._sockets.append(folder)
        return folder

    def secret(self, name: str) -> str:
        """Return a secret of this server, made up the first time."""
        path = self.path / name
        if not path.exists():
            self.write(name, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        return path.read_text().strip()

    def write(self, name: str, text: str) -> Path:
        """Replace a file that only the owner may read, whole or not at all."""
        path = self.path / name
        temporary = path.with_name(f"{name}.new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        return temporary.replace(path)

    def read(self, name: str) -> str | None:
        """Return a file's text, None where there is none."""
        path = self.path / name
        return path.read_text() if path.exists() else None
