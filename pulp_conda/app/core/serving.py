"""What the content app does for pulpcore's own URLs, and channels do for theirs."""

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
    """Put a middleware in the place of the content app's authentication.

    Raises:
        ValueError: the content app has no such middleware any more.
    """
    app.middlewares[app.middlewares.index(authenticate)] = middleware


def is_file_system(domain: Any) -> bool:
    """Tell whether a domain's files lie in a file system, from which they can be sent."""
    return bool(domain.storage_class == _FILE_SYSTEM)


def storage_parameters(domain: Any, headers: dict[str, str]) -> dict[str, str]:
    """Return how a signed URL of a domain's storage asks for headers of the answer."""
    known = STORAGE_RESPONSE_MAP[domain.storage_class]
    return {known[header]: value for header, value in headers.items() if header in known}


def count_bytes(count: int) -> None:
    """Count bytes that were sent, in pulpcore's metrics."""
    artifacts_size_counter.add(count)
