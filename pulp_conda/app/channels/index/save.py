"""Save an index as a publication. One transaction makes all its parts visible."""

from django.db import transaction

from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaPublication

from .build import Built
from .documents import save_documents
from .indexed_times import record_indexed_times
from .plan import Plan
from .shards import ShardStore


def save(plan: Plan, built: Built, *, checkpoint: bool = False) -> CondaPublication:
    """Save documents, shards and times of indexing together with the publication.

    If the task is interrupted, clients are served nothing of it.
    """
    previous = plan.previous.number if plan.previous else None
    with (
        transaction.atomic(),
        CondaPublication.create(
            plan.version, pass_through=True, checkpoint=checkpoint
        ) as publication,
    ):
        record_indexed_times(plan.version, since=previous)
        store = ShardStore(plan.version, previous)
        for subdir, shards in built.shards.items():
            store.save(subdir, shards)
        failpoint("shards saved")
        reused = {path: document.artifact for path, document in plan.reused.items()}
        save_documents(publication, built.files, reused, plan.fingerprint)
        transaction.on_commit(publication.repository.invalidate_cache)
    return publication
