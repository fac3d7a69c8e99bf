"""The task that syncs a channel from a remote."""

from typing import Any

from pulp_conda.app.channels.sync import sync as channel_sync
from pulp_conda.app.channels.sync.request import SyncOptions, SyncRequest
from pulp_conda.app.models import CondaRemote, CondaRepository


def sync(
    repository_pk: str,
    remote_pk: str,
    *,
    mode: str,
    optimize: bool = True,
    force: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Sync a channel; return what was added, removed, replaced, held and at fault."""
    request = SyncRequest(
        repository=CondaRepository.objects.get(pk=repository_pk),
        remote=CondaRemote.objects.get(pk=remote_pk),
        options=SyncOptions(mode, optimize, force, dry_run),
    )
    return channel_sync.sync(request)
