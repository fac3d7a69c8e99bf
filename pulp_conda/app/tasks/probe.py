"""The task that probes an upstream."""

import asyncio
from typing import Any

from pulp_conda.app.models import CondaRemote
from pulp_conda.app.upstream.probe import probe as probe_upstream


def probe(remote_pk: str) -> dict[str, Any]:
    """Find out what an upstream has."""
    return asyncio.run(probe_upstream(CondaRemote.objects.get(pk=remote_pk)))
