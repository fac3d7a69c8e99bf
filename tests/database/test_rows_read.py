"""How many rows PostgreSQL reads for one package more in a large channel."""

from django.db import connection
from django.test import TestCase

from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.models import CondaRepository
from tests.benchmark import synthetic
from tests.benchmark.loading import load
from tests.builders import PackageBuilder
from tests.database.factories import make_channel, upload

_PACKAGES = 5000
_CHANGES = 8
"""The sixth time, PostgreSQL plans a prepared statement for any parameters."""


_TABLES = [
    "conda_condapackage", "conda_condashard", "conda_indexedfile", "core_content",
    "core_contentartifact", "core_repositorycontent",
]  # fmt: skip
"""Those that have rows for each package of a channel."""


def rows_read() -> int:
    """Return how many rows of these tables this transaction has read so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))"
            " FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)",
            [_TABLES],
        )
        (count,) = cursor.fetchone()
    return int(count)


def test_a_change_reads_few_rows_of_a_channel_that_one_version_filled() -> None:
    channel = make_channel("org", "main")
    load(channel, synthetic.packages(_PACKAGES, seed=1))
    channel = CondaRepository.objects.get(pk=channel.pk)
    with TestCase.captureOnCommitCallbacks(execute=True):
        publish(channel.latest_version())
    counts = []
    for number in range(_CHANGES):
        channel = CondaRepository.objects.get(pk=channel.pk)
        before = rows_read()
        upload(channel, PackageBuilder("demo", f"{number}.0"))
        counts.append(rows_read() - before)
    assert max(counts) < _PACKAGES / 10, counts
