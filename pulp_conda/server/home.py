"""The folder of a server, with its data, keys, settings, sockets and logs."""

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
"""In bytes. The kernel allows 107 for the folder and the socket's name together."""

_MARKER = "pulp_conda-home"
_LOCK = "lock"
_ALLOWED_FILES = {"settings.local.py", _LOCK, f"{_MARKER}.new"}
"""The files that a folder may contain before it becomes a home: settings, and the remains of an
interrupted start.
"""


def is_short_enough(folder: Path) -> bool:
    """Tell whether a folder's path is short enough for sockets in it."""
    return len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER


@dataclass(slots=True)
class Home:
    """A server's folder, locked by at most one server at a time."""

    path: Path
    _lock: IO[str] | None = None
    _sockets: list[Path] = field(default_factory=list)

    def open(self) -> None:
        """Take the lock and create what is missing; safe to repeat after an interruption.

        Raises:
            ServerError: the folder is used for something else or cannot be written to, or another
                server runs in it.
        """
        try:
            self.check()
            if not self.path.exists():
                self.path.mkdir(parents=True)
                # For root, PostgreSQL's user has to pass through; the files in it stay private.
                # An existing folder keeps its mode.
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
        """Check that the folder is a home, empty, or absent.

        Raises:
            ServerError: the folder is used for something else.
        """
        if not self.path.exists() or self.is_made:
            return
        foreign = sorted({path.name for path in self.path.iterdir()} - _ALLOWED_FILES)
        if foreign:
            raise ServerError(
                f"{self.path} is not a server's home, and not empty: it contains {foreign[0]}; "
                "choose another with --home"
            )

    @property
    def is_made(self) -> bool:
        """Whether the folder is a home."""
        return (self.path / _MARKER).exists()

    def _make(self) -> None:
        if not self.is_made:
            # First of all, so that the folder counts as a home if the first start is interrupted.
            self.write(_MARKER, secrets.token_hex(8))
        for folder in (self.logs, self.media, self.tmp, self._run, self.path / "assets"):
            folder.mkdir(mode=0o700, exist_ok=True)

    def _tidy(self) -> None:
        """Remove what a killed server left: sockets and incomplete uploads."""
        for folder in (self.tmp, self._run):
            for leftover in folder.iterdir():
                if leftover.is_dir() and not leftover.is_symlink():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the lock and remove the sockets."""
        for folder in self._sockets:
            shutil.rmtree(folder, ignore_errors=True)
        self._sockets.clear()
        if self._lock:
            self._lock.close()
            self._lock = None

    @property
    def logs(self) -> Path:
        """The folder of the processes' logs."""
        return self.path / "logs"

    @property
    def media(self) -> Path:
        """The folder of Pulp's artifacts."""
        return self.path / "media"

    @property
    def tmp(self) -> Path:
        """Pulp's working directory, on the file system of `media` so that a rename saves a file."""
        return self.path / "tmp"

    @property
    def _run(self) -> Path:
        return self.path / "run"

    @property
    def identity(self) -> str:
        """A unique name for this home, for data that has to lie outside of it.

        It is not derived from the path: a home that is removed and made again must not find the
        database of the old one.
        """
        return (self.path / _MARKER).read_text()

    def sockets(self) -> Path:
        """Make a folder for sockets, which exists until the home is closed.

        It is new at every start, so that a gunicorn of the previous start cannot remove a socket
        of this one while it ends.
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
        """Return a secret of this server, generated at the first call."""
        path = self.path / name
        if not path.exists():
            self.write(name, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        return path.read_text().strip()

    def write(self, name: str, text: str) -> Path:
        """Write a file that only its owner may read, atomically."""
        path = self.path / name
        temporary = path.with_name(f"{name}.new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        return temporary.replace(path)

    def read(self, name: str) -> str | None:
        """Return the text of a file, None if it does not exist."""
        path = self.path / name
        return path.read_text() if path.exists() else None
