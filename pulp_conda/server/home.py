"""The folder in which a server keeps everything: data, keys, settings, sockets and logs."""

import base64
import fcntl
import hashlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .options import ServerError

_LONGEST_SOCKET_PATH = 90
"""Bytes that a socket's folder may take; the kernel allows 107 for folder and name together."""


@dataclass(slots=True)
class Home:
    """A server's folder, held by at most one server at a time."""

    path: Path
    _lock: IO[str] | None = None

    def open(self) -> None:
        """Create what is missing and take the lock; safe to repeat after an interruption.

        Raises:
            ServerError: the folder cannot be written to, or another server runs in it.
        """
        # As root, PostgreSQL's user has to pass through; the files themselves stay closed.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(mode)
            for folder in (self.logs, self.media, self.tmp, self.path / "assets"):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
            self._lock = (self.path / "lock").open("a")
        except OSError as error:
            raise ServerError(f"cannot use the home {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServerError(f"another server is running in {self.path}") from error

    def close(self) -> None:
        """Let another server have the folder."""
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
    def digest(self) -> str:
        """A short name for this folder, for what has to lie outside of it."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:12]

    def sockets(self) -> Path:
        """Return the folder of the processes' sockets, made if need be."""
        folder = self.path / "run"
        if len(str(folder)) > _LONGEST_SOCKET_PATH:
            folder = Path(tempfile.gettempdir()) / f"pulp_conda-{os.geteuid()}-{self.digest}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise ServerError(f"{folder} belongs to another user")
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
