"""Run once before the processes start: the database's schema and the admin's password.

In one process, since loading Django takes longer than all of it does when nothing is to be done.
"""

import os

from pulp_conda.server.mourning import mourn


def main() -> None:
    """Migrate where needed, then set the password found in `PULP_CONDA_SET_PASSWORD`."""
    import django

    django.setup()
    # Only after setup() can these be imported.
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=1)
    mourn()
    _refuse_to_hide_domains()
    if password := os.environ.get("PULP_CONDA_SET_PASSWORD"):
        call_command("reset-admin-password", password=password)


def _refuse_to_hide_domains() -> None:
    from django.apps import apps
    from django.conf import settings

    domains = apps.get_model("core", "Domain").objects.exclude(name="default")
    if not settings.DOMAIN_ENABLED and (names := sorted(domains.values_list("name", flat=True))):
        raise SystemExit(f"This server has domains ({', '.join(names)}): start it with --domains.")


if __name__ == "__main__":
    main()
