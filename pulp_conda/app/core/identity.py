"""Workload identities of CI jobs, and their permissions (pulpcore's `WORKLOAD_IDENTITY`)."""

from types import SimpleNamespace
from typing import Any

from pulpcore.app.workload_identity.authentication import WorkloadIdentityAuthentication
from pulpcore.app.workload_identity.principal import WorkloadIdentityPrincipal

__all__ = ["WorkloadIdentityAuthentication", "WorkloadIdentityPrincipal", "verified"]


def verified(identity: str) -> tuple[WorkloadIdentityPrincipal, dict[str, Any]] | None:
    """Return the principal and the claims of an identity token, None if its issuer is unknown.

    pulpcore reads the token from the header of a request, so a request is made for it.

    Raises:
        AuthenticationFailed: the token is malformed, expired or for another audience.
    """
    request = SimpleNamespace(META={"HTTP_AUTHORIZATION": f"Bearer {identity}"})
    found: tuple[WorkloadIdentityPrincipal, dict[str, Any]] | None = (
        WorkloadIdentityAuthentication().authenticate(request)
    )
    return found
