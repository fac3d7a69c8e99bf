"""Identities of CI jobs, and what they earn: pulpcore's `WORKLOAD_IDENTITY`."""

from types import SimpleNamespace
from typing import Any

from pulpcore.app.workload_identity.authentication import WorkloadIdentityAuthentication
from pulpcore.app.workload_identity.principal import WorkloadIdentityPrincipal

__all__ = ["WorkloadIdentityAuthentication", "WorkloadIdentityPrincipal", "verified"]


def verified(identity: str) -> tuple[WorkloadIdentityPrincipal, dict[str, Any]] | None:
    """Return what an identity earns and its claims, None for one that no issuer here vouches for.

    pulpcore reads the identity from the header of a request, so one is made for it.

    Raises:
        AuthenticationFailed: the identity is broken, expired or of a wrong audience.
    """
    request = SimpleNamespace(META={"HTTP_AUTHORIZATION": f"Bearer {identity}"})
    found: tuple[WorkloadIdentityPrincipal, dict[str, Any]] | None = (
        WorkloadIdentityAuthentication().authenticate(request)
    )
    return found
