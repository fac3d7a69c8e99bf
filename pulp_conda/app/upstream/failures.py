"""The named errors for what aiohttp raises, and for the statuses of answers."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from aiohttp import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ClientSSLError,
    InvalidURL,
    ServerTimeoutError,
)

from .errors import Absent, Busy, Forbidden, Refused, Unavailable, Untrusted, UpstreamError
from .retry_after import retry_after
from .session import AddressNotAllowed

_ABSENT = (404, 410)
_ABSENT_IF_OPTIONAL = (403, 501)
"""Buckets without permission to list answer 403 for an absent file; some servers answer 501."""
_REFUSED = (401, 403, 407)
_BUSY = (429, 503)
_TIMEOUT = 408


@contextmanager
def named(url: str) -> Iterator[None]:
    """Turn errors of aiohttp into named ones. `url` is as it may be shown.

    The cause is dropped, since the messages of aiohttp contain whole URLs.

    Raises:
        UpstreamError: the error, named.
    """
    try:
        yield
    except (ClientError, TimeoutError, OSError) as error:
        raise named_error(error, url) from None
    except ValueError:  # by the encoding of host names
        raise Forbidden(f"{url} is no valid URL.") from None


def named_error(error: Exception, url: str) -> UpstreamError:
    """Return the named error for one of aiohttp. `url` is as it may be shown."""
    if isinstance(error, ClientHttpProxyError):
        return _of_proxy(error.status, url)
    if isinstance(error, ClientConnectorError):
        return _of_connection(error, url)
    if isinstance(error, InvalidURL):
        return Forbidden(f"{url} is no valid URL.")
    if isinstance(error, ServerTimeoutError | TimeoutError):
        return Unavailable(f"{url} did not answer in time.")
    return Unavailable(f"The connection broke while {url} was read.")


def _of_proxy(status: int, url: str) -> UpstreamError:
    if status in _REFUSED:
        return Refused(f"The proxy refuses the connection for {url} ({status}).")
    return Unavailable(f"The proxy could not connect for {url} ({status}).")


def _of_connection(error: ClientConnectorError, url: str) -> UpstreamError:
    if isinstance(error.os_error, AddressNotAllowed):
        return Forbidden(
            f"{error.host} has an address that is not public. If {url} may be read from there, the "
            "operator adds the network to the setting CONDA_UPSTREAM_ALLOWED_NETWORKS."
        )
    certificate = getattr(error, "certificate_error", error.os_error)
    if reason := getattr(certificate, "verify_message", None):
        return Untrusted(f"The certificate of {error.host} is not accepted: {reason}.")
    if isinstance(error, ClientSSLError):
        return Untrusted(f"No TLS connection to {error.host} could be made.")
    if isinstance(error, ClientProxyConnectionError):
        return Unavailable(f"The proxy {error.host} cannot be reached.")
    if isinstance(error, ClientConnectorDNSError):
        return Unavailable(f"The name {error.host} has no address.")
    return Unavailable(f"{error.host} cannot be reached.")


def check_status(
    status: int,
    headers: Mapping[str, str],
    asked: Collection[str],
    url: str,
    *,
    optional: bool,
) -> None:
    """Check the status of an answer to a GET.

    `asked` are the names of the request's headers: a 304 answers only a condition, a 206 and a 416
    only a range. Of an `optional` file, 403 and 501 say that it is absent.

    Raises:
        UpstreamError: the answer is no body, no part of one and no 304 that was asked for.
    """
    if status == 200 or status in _asked_for(asked):
        return
    if status in _ABSENT or (optional and status in _ABSENT_IF_OPTIONAL):
        raise Absent(f"{url} does not exist ({status}).")
    if status in _BUSY:
        wait = retry_after(headers.get("Retry-After"), datetime.now(UTC))
        raise Busy(f"The upstream is busy, or asks for a pause ({url}: {status}).", wait)
    if status in _REFUSED:
        raise Refused(f"The upstream does not accept the credentials for {url} ({status}).")
    if status >= 500 or status < 400 or status == _TIMEOUT:
        raise Unavailable(f"{url} was answered with the status {status}.")
    raise Refused(f"The upstream refuses the request for {url} ({status}).")


def _asked_for(headers: Collection[str]) -> set[int]:
    names = {name.lower() for name in headers}
    allowed = set()
    if names & {"if-none-match", "if-modified-since"}:
        allowed.add(304)
    if "range" in names:
        allowed |= {206, 416}
    return allowed
