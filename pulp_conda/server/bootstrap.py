"""Prepares the database before the server starts: its schema and the password of the admin.

All of it is done in one process, because loading Django takes longer than checking that nothing
is to be done.
"""

import os
from pathlib import Path

PASSWORD_FILE = "PULP_CONDA_PASSWORD_FILE"  # noqa: S105 (a variable's name)
"""The variable that names the file with the password. Other users may read the environment and
arguments of a process, but not the file."""


def main() -> None:
    """Migrate if needed, then set the password from the file that the variable names."""
    import django

    django.setup()
    # These can only be imported after setup().
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from pulp_conda.app.core.dead_processes import reap_dead_processes

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=1)
    reap_dead_processes()
    _refuse_to_hide_domains()
    if file := os.environ.get(PASSWORD_FILE):
        call_command("reset-admin-password", password=Path(file).read_text())


def _refuse_to_hide_domains() -> None:
    from django.apps import apps
    from django.conf import settings

    domains = apps.get_model("core", "Domain").objects.exclude(name="default")
    if not settings.DOMAIN_ENABLED and (names := sorted(domains.values_list("name", flat=True))):
        raise SystemExit(f"This server has domains ({', '.join(names)}): start it with --domains.")


if __name__ == "__main__":
    main()
