"""Save an index as a publication. One transaction makes all its parts visible."""

from typing import Final

from django.db import connection, transaction

from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaPublication, CondaShard, IndexedFile

from .build import Built
from .documents import save_documents
from .indexed_times import record_indexed_times
from .plan import Plan
from .shards import ShardStore

_MANY_NAMES: Final = 500


def save(plan: Plan, built: Built, *, checkpoint: bool = False) -> CondaPublication:
    """Save documents, shards and times of indexing together with the publication.

    If the task is interrupted, clients are served nothing of it.
    """
    previous = plan.previous.number if plan.previous else None
    with (
        transaction.atomic(savepoint=False),
        CondaPublication.create(
            plan.version, pass_through=True, checkpoint=checkpoint
        ) as publication,
    ):
        record_indexed_times(plan.version, since=previous)
        store = ShardStore(plan.version, previous)
        for subdir, shards in built.shards.items():
            store.save(subdir, shards)
        failpoint("shards saved")
        if plan.previous is None and sum(len(s.names) for s in built.shards.values()) > _MANY_NAMES:
            transaction.on_commit(_analyze, robust=True)
        reused = {path: document.artifact for path, document in plan.reused.items()}
        save_documents(publication, built.files, reused, plan.fingerprint)
        transaction.on_commit(publication.repository.invalidate_cache)
    return publication


def _analyze() -> None:
    """Gather statistics of the tables that a large publication has filled.

    PostgreSQL does that by itself a minute later. Until then its plans for one package more read
    all files and shards of the channel. A failure is logged only: the publication is complete.
    """
    with connection.cursor() as cursor:
        for model in (CondaShard, IndexedFile):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")
