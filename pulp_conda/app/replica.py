"""Refuses pulpcore's replication of channels, which is not supported yet."""

from collections.abc import Iterator
from typing import Any, Never

from pulp_glue.common.context import PulpDistributionContext
from pulpcore.plugin.replica import Replicator

from .exceptions import TransferNotSupportedError


class _UpstreamDistributions(PulpDistributionContext):
    PLUGIN = "conda"
    RESOURCE_TYPE = "conda"
    ID_PREFIX = "distributions_conda_conda"


class CondaReplicator(Replicator):
    """Fails if the upstream server has channels among the distributions to replicate."""

    distribution_ctx_cls = _UpstreamDistributions  # type: ignore[assignment]
    app_label = "conda"  # type: ignore[assignment]

    def upstream_distributions(self, q: str | None = None) -> Iterator[Never]:
        """Refuse channels; without any there is nothing to do."""
        if found := next(super().upstream_distributions(q=q), None):
            raise TransferNotSupportedError("Replication", _instead(found))
        return iter(())

    def remove_missing(self, names: Any) -> None:
        """Keep this server's channels, because none of them came from the upstream server."""


def _instead(distribution: Any) -> str:
    return (
        f"Leave them out by `q_select`; the first of them is {distribution['name']!r}. "
        "Channels can be copied by uploading their packages."
    )


REPLICATION_ORDER = [CondaReplicator]
