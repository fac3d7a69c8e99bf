"""Homes with a prepared database: the migrations take half a minute, and run once for all tests.

Each home is a copy of one that a server left after its first start. Tests of the first start
itself begin without a home.
"""

import fcntl
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.functional.harness import ONE_OF_EACH, RunningServer

_COPIED_FILES = ("secret-key", "database-key", "admin-password")
_CLUSTER = "cluster"
_POSTGRESQL = "postgresql"


@dataclass(frozen=True)
class Homes:
    """Makes homes from one template, which test processes share."""

    folder: Path

    def make(self, home: Path, settings: str = "") -> Path:
        """Make a home, with the operator's settings."""
        template = self._template()
        home.mkdir(parents=True)
        identity = secrets.token_hex(8)
        (home / "pulp_conda-home").write_text(identity)
        for name in _COPIED_FILES:
            shutil.copy2(template / name, home / name)
        if settings:
            (home / "settings.local.py").write_text(settings)
        cluster = home / _POSTGRESQL
        if (template / _POSTGRESQL).is_symlink():
            # Root's server puts it outside, because PostgreSQL's user cannot enter the home.
            outside = (template / _POSTGRESQL).readlink().with_name(identity)
            cluster.symlink_to(outside)
            cluster = outside
        subprocess.run(["cp", "-a", str(template / _CLUSTER), str(cluster)], check=True)
        return home

    def _template(self) -> Path:
        """Return the template; the first test process that needs it makes it."""
        template = self.folder / "template"
        with (self.folder / "template.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not template.exists():
                _prepare(self.folder / "template.new")
                (self.folder / "template.new").rename(template)
        return template


def _prepare(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    RunningServer(home, arguments=ONE_OF_EACH).start().stop()
    cluster = home / _POSTGRESQL
    if cluster.is_symlink():
        shutil.move(cluster.readlink(), home / _CLUSTER)
    else:
        cluster.rename(home / _CLUSTER)
