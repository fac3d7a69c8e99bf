"""A PostgreSQL with Pulp's tables, and Django set up for it in this process.

Made as `bin/serve` makes them, when this module is imported: the models can be imported only
afterwards. Nothing outlives the process.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from pulp_conda.server.configuration import environment, write_settings
from pulp_conda.server.home import Home
from pulp_conda.server.options import Options
from pulp_conda.server.postgres import Postgres
from pulp_conda.server.processes import Process, stop_all

_STOP_SECONDS = 10


def _start() -> None:
    folder = Path(tempfile.mkdtemp(prefix="pulp_conda-"))
    folder.chmod(0o711)  # as root, PostgreSQL's user has to pass through
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = Home(folder / "home")
    home.open()
    atexit.register(home.close)
    postgres = Postgres.find(home)
    postgres.initialise()
    process = postgres.process()
    process.start()
    atexit.register(_stop, process)
    postgres.wait(process)
    options = Options(
        home=home.path, host="127.0.0.1", port=0, workers=1, api_workers=1, content_workers=1,
        requests_per_address=0, admin_password=None, domains=False,
    )  # fmt: skip
    settings = write_settings(home, options, "http://127.0.0.1", postgres.connection, None)
    _set_up(environment(settings, has_own_database=False))


def _stop(process: Process) -> None:
    from django.db import connections

    connections.close_all()
    stop_all([process], _STOP_SECONDS)


def _set_up(variables: dict[str, str]) -> None:
    """Set Django up; leave no variable behind that a server would take for its operator's."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from pulp_conda.app.core.tasking import AppStatus

        # Tasks run in a process that Pulp knows.
        AppStatus.objects.create(name=f"{os.getpid()}@tests", app_type="api", versions={})
    finally:
        os.environ.clear()
        os.environ.update(before)


_start()
