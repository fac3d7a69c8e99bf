"""Connections to an upstream: TLS, client certificate, time-outs, and the addresses allowed.

pulpcore's factory makes such a session too. It cannot check addresses, stays in memory until the
process ends, and changes the remote's headers.
"""

import importlib.metadata
import platform
import socket
import ssl
from functools import lru_cache
from tempfile import NamedTemporaryFile
from typing import Any

import aiohttp
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, ThreadedResolver
from django.conf import settings
from yarl import URL

from pulp_conda.app.models import CondaRemote
from pulp_conda.app.networks import may_be_fetched_from

from .errors import Forbidden, Untrusted

CONNECT_SECONDS = 10.0
READ_BUFFER_BYTES = 512 * 1024
"""aiohttp's default of 64 KiB halves the throughput of files that are written while they come."""
READ_SECONDS = 30.0
"""How long an upstream may send nothing, unless the remote says otherwise."""


class AddressNotAllowed(PermissionError):
    """An address is not public, and the operator has not allowed it.

    The message does not name the address, so that all addresses of a host give one message, and
    nobody learns the addresses of an internal network.
    """

    def __init__(self) -> None:
        super().__init__("the address is not public")


def new_session(remote: CondaRemote, concurrency: int) -> ClientSession:
    """Return a session for requests to a remote. It follows its time-outs and its TLS fields.

    It presents no client certificate: requests to the remote's own server have the context
    `own_tls`.

    Raises:
        Untrusted: a certificate of the remote cannot be read.
        Forbidden: the proxy's URL cannot be read.
    """
    return ClientSession(
        connector=TCPConnector(
            limit=concurrency,
            # Unlike c-ares, this asks the system, which knows /etc/hosts.
            resolver=ThreadedResolver(),
            # Every connection is checked, that to a proxy too. A check of the name would not be
            # enough, because it may have another address the next time it is looked up.
            socket_factory=_socket,
            ssl=tls_context(remote.ca_cert, None, None, remote.tls_validation),
        ),
        proxy=_proxy(remote),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        read_bufsize=READ_BUFFER_BYTES,
        headers={"User-Agent": user_agent(), "Accept-Encoding": "identity", "Accept": "*/*"},
        timeout=ClientTimeout(
            total=remote.total_timeout or None,
            connect=remote.connect_timeout or None,
            sock_connect=remote.sock_connect_timeout or CONNECT_SECONDS,
            sock_read=remote.sock_read_timeout or READ_SECONDS,
        ),
    )


def own_tls(remote: CondaRemote) -> ssl.SSLContext:
    """Return the TLS context for requests to the server of a remote's URL.

    Raises:
        Untrusted: a certificate or key of the remote cannot be read.
    """
    return tls_context(remote.ca_cert, remote.client_cert, remote.client_key, remote.tls_validation)


def _proxy(remote: CondaRemote) -> URL | None:
    if not remote.proxy_url:
        return None
    try:
        proxy = URL(remote.proxy_url)
    except ValueError:
        raise Forbidden("The remote's proxy_url cannot be read.") from None
    if remote.proxy_username:
        proxy = proxy.with_user(remote.proxy_username).with_password(remote.proxy_password or "")
    return proxy


def user_agent() -> str:
    """Return how the server names itself to upstreams."""
    version = importlib.metadata.version("pulp-conda")
    system = f"Python {platform.python_version()}; {platform.system()} {platform.machine()}"
    return f"pulp_conda/{version} ({system}) aiohttp/{aiohttp.__version__}"


@lru_cache(maxsize=64)  # the system's certificates take 20 ms to load
def tls_context(
    ca_cert: str | None, client_cert: str | None, client_key: str | None, validate: bool
) -> ssl.SSLContext:
    """Return the TLS context of a remote, with the system's certificates and its own.

    Raises:
        Untrusted: a certificate or key cannot be read.
    """
    context = ssl.create_default_context()
    try:
        if ca_cert:
            context.load_verify_locations(cadata=ca_cert)
    except (ssl.SSLError, ValueError):
        raise Untrusted("The remote's ca_cert holds no certificate that can be read.") from None
    if client_cert:
        _load(context, client_cert, client_key or "")
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a client certificate. OpenSSL reads it from a file only."""
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{certificate}\n{key}\n")
        file.flush()
        try:
            # Without a password, OpenSSL asks the terminal for that of an encrypted key.
            context.load_cert_chain(file.name, password="")
        except (ssl.SSLError, ValueError):
            raise Untrusted(
                "The remote's client_cert and client_key cannot be read, or do not belong together."
            ) from None


def _socket(address: Any) -> socket.socket:
    """Return a socket for the address of a name (aiohttp's `SocketFactoryType`)."""
    family, kind, protocol, _, target = address
    if not may_be_fetched_from(target[0], settings.CONDA_UPSTREAM_ALLOWED_NETWORKS):
        raise AddressNotAllowed
    return socket.socket(family, kind, protocol)
