"""The rows of packages that a sync saves equal those of packages that are saved one by one."""

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from pulpcore.plugin.models import Content, ContentArtifact

from pulp_conda.app.channels.intake.unit_fields import mirrored_fields
from pulp_conda.app.channels.storage.units import save_unit
from pulp_conda.app.channels.sync.report import SyncReport
from pulp_conda.app.channels.sync.rows import Rows
from pulp_conda.app.channels.sync.staging import STAGED, Staging
from pulp_conda.app.models import CondaPackage, CondaRemote
from pulp_conda.formats.upstream.records import MirroredRecord, mirrored_record
from tests.unit.formats.channels import SUBDIR, record

_MADE_BY_DEFAULT = {"pulp_id", "content_ptr_id", "content_id", "pulp_created", "pulp_last_updated",
                    "timestamp_of_interest"}  # fmt: skip
_ODD: list[dict[str, Any]] = [
    {"license": "a\tb\\c\nd", "odd": "\\N"},
    {"license": None, "timestamp": 1.5, "run_exports": {"weak": ["n \t>=1"]}},
    {"run_exports": {}, "size": None, "sha256": None, "md5": "d" * 32},
    {"summary": "\u00e9\u2028\U0001f40d", "depends": ["a", "\\."], "build_number": 2**40},
]


def records() -> list[MirroredRecord]:
    """Return a thousand records, among them odd ones."""
    found = []
    for number in range(1000):
        digest = f"{number:064x}"
        stated = record(f"n{number % 50}", f"1.{number}", sha256=digest, size=number + 1)
        filename = f"{stated['name']}-{stated['version']}-0.conda"
        stated |= _ODD[number % len(_ODD)] if number % 3 == 0 else {}
        found.append(mirrored_record(filename, stated, name=stated["name"], subdir=SUBDIR))
    return found


def rows_after(save: Callable[[], object]) -> dict[str, list[Any]]:
    """Return what saving leaves in the tables, without keys and times; then undo it."""
    with transaction.atomic():
        save()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        models = (Content, CondaPackage, ContentArtifact)
        found = {model.__name__: sorted(map(_shown, model.objects.values())) for model in models}
        transaction.set_rollback(True)
    return found


def _shown(row: dict[str, Any]) -> str:
    return repr(sorted((key, row[key]) for key in row.keys() - _MADE_BY_DEFAULT))


def staged(found: list[MirroredRecord]) -> None:
    """Save records as a sync does."""
    rows = Rows(CondaRemote(), SyncReport(), SUBDIR, None)
    Staging().add([rows._row(each) for each in found])


def saved(found: list[MirroredRecord]) -> None:
    """Save records one by one."""
    for each in found:
        save_unit(CondaPackage(**mirrored_fields(each)), None)


def test_units_are_the_same() -> None:
    found = records()
    assert rows_after(lambda: staged(found)) == rows_after(lambda: saved(found))


def test_units_that_exist_are_found() -> None:
    found = records()
    saved(found[::2])
    before = set(CondaPackage.objects.values_list("pk", flat=True))
    staged(found)
    staged(found)
    assert CondaPackage.objects.count() == len(found)
    assert before < set(CondaPackage.objects.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), count(unit), count(DISTINCT unit) FROM {STAGED}")
        assert cursor.fetchone() == (len(found),) * 3
