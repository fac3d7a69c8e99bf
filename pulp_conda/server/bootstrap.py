"""Run once before the processes start: the database's schema and the admin's password.

In one process, since loading Django takes longer than all of it does when nothing is to be done.
"""

import os
from pathlib import Path

PASSWORD_FILE = "PULP_CONDA_PASSWORD_FILE"  # noqa: S105 (a variable's name)
"""A variable: names a file, since others may read what a process is started with."""


def main() -> None:
    """Migrate where needed, then set the password in the file that the variable names."""
    import django

    django.setup()
    # Only after setup() can these be imported.
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
