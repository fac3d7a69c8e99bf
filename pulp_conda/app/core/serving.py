"""Parts of pulpcore's content app that channels need for their own URLs."""

from typing import Any

from aiohttp.typedefs import Middleware
from aiohttp.web import Application
from pulpcore.constants import STORAGE_RESPONSE_MAP
from pulpcore.content.authentication import authenticate, validate_domain
from pulpcore.metrics import artifacts_size_counter

__all__ = [
    "authenticate",
    "count_bytes",
    "is_file_system",
    "replace_authentication",
    "storage_parameters",
    "validate_domain",
]

_FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem"


def replace_authentication(app: Application, middleware: Middleware) -> None:
    """Replace the authentication of the content app by another middleware.

    Raises:
        ValueError: the content app does not have that authentication any more.
    """
    app.middlewares[app.middlewares.index(authenticate)] = middleware


def is_file_system(domain: Any) -> bool:
    """Return whether a domain stores files in a file system, from which `sendfile` can send."""
    return bool(domain.storage_class == _FILE_SYSTEM)


def storage_parameters(domain: Any, headers: dict[str, str]) -> dict[str, str]:
    """Return the parameters of a signed URL that make a domain's storage send given headers."""
    known = STORAGE_RESPONSE_MAP[domain.storage_class]
    return {known[header]: value for header, value in headers.items() if header in known}


def count_bytes(count: int) -> None:
    """Add to the number of sent bytes in pulpcore's metrics."""
    artifacts_size_counter.add(count)
