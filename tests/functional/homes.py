"""Homes whose database is made already: half a minute of migrations, spent once for all tests.

A copy is what a server leaves that was started once and stopped. Tests of the first start itself
begin with no home at all.
"""

import fcntl
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.functional.harness import ONE_OF_EACH, RunningServer

_KEPT = ("secret-key", "database-key", "admin-password")
_CLUSTER = "cluster"
_POSTGRESQL = "postgresql"


@dataclass(frozen=True)
class Homes:
    """Makes homes from one template, which test processes share."""

    folder: Path

    def make(self, home: Path, settings: str = "") -> Path:
        """Make a home, with settings of its operator's."""
        template = self._template()
        home.mkdir(parents=True)
        identity = secrets.token_hex(8)
        (home / "pulp_conda-home").write_text(identity)
        for name in _KEPT:
            shutil.copy2(template / name, home / name)
        if settings:
            (home / "settings.local.py").write_text(settings)
        cluster = home / _POSTGRESQL
        if (template / _POSTGRESQL).is_symlink():
            # Where root's server had to put it, for PostgreSQL's user cannot enter the home.
            outside = (template / _POSTGRESQL).readlink().with_name(identity)
            cluster.symlink_to(outside)
            cluster = outside
        subprocess.run(["cp", "-a", str(template / _CLUSTER), str(cluster)], check=True)
        return home

    def _template(self) -> Path:
        """Return the template, made by whoever comes first."""
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
