"""Checks of what a remote may be told: its URL, its secrets, its proxy and its headers."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from rest_framework.serializers import ValidationError
from yarl import URL

from pulp_conda.app.models import (
    API_KEY,
    BASIC,
    BEARER,
    NO_AUTH,
    PATH_TOKEN,
    CondaRemote,
)
from pulp_conda.app.networks import may_be_fetched_from
from pulp_conda.app.upstream import UpstreamError
from pulp_conda.app.upstream.session import tls_context
from pulp_conda.formats.identifiers import KNOWN_SUBDIRS, TOKEN_SEGMENT

_PRINTABLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+\.?|\[[0-9A-Fa-f:.]+\]")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization", "x-api-key")
_SECRETS: dict[str, tuple[str, ...]] = {
    NO_AUTH: (),
    BASIC: ("username", "password"),
    BEARER: ("token",),
    PATH_TOKEN: ("token",),
    API_KEY: ("token",),
}
"""The fields that each way of authentication uses. The first of them is required."""
_LONGEST_URL = 2000


def checked_url(value: str) -> str:
    """Return the URL of a channel without a slash at its end.

    Raises:
        ValidationError: it is not the URL of a channel, has a secret, or leads to an address that
            is not allowed.
    """
    url = _read(value)
    if url.raw_query_string or url.raw_fragment or "?" in value or "#" in value:
        raise ValidationError("The URL of a channel has no ? and no #.")
    segments = url.raw_path.strip("/").split("/")
    if len(segments) > 1 and segments[0] == TOKEN_SEGMENT:
        raise ValidationError(
            "A token in the URL would be shown. Give the URL without /t/TOKEN, and the token as "
            "`token` with the `auth` path_token."
        )
    if any(segment in (".", "..") for segment in segments):
        raise ValidationError("The URL must not have . or .. in its path.")
    if segments[-1] in KNOWN_SUBDIRS or segments[-1].endswith((".json", ".zst", ".bz2")):
        raise ValidationError(
            f"Give the URL of the channel, which is the part before /{segments[-1]}."
        )
    check_address(url)
    return value.rstrip("/")


def checked_proxy(value: str | None) -> str | None:
    """Return the URL of a proxy.

    Raises:
        ValidationError: it is no URL of a proxy, or leads to an address that is not allowed.
    """
    if not value:
        return None
    url = _read(value)
    if url.raw_path not in ("", "/") or "?" in value or "#" in value:
        raise ValidationError("A proxy is given as scheme://host:port.")
    check_address(url)
    return value.rstrip("/")


def _read(value: str) -> URL:
    """Return a URL that may be stored and shown."""
    if len(value) > _LONGEST_URL or not _PRINTABLE.fullmatch(value):
        raise ValidationError(
            f"The URL must have at most {_LONGEST_URL} characters, all of them ASCII and visible."
        )
    try:
        url = URL(value, encoded=True)
        host, port = url.host, url.port
    except ValueError:
        raise ValidationError("The URL cannot be read.") from None
    if url.user is not None or url.password is not None:
        raise ValidationError(
            "A user name or password in the URL would be shown. Give them in their own fields."
        )
    if url.scheme not in ("http", "https") or not host or not port:
        raise ValidationError("The URL must begin with http:// or https:// and name a host.")
    return url


def check_address(url: URL) -> None:
    """Refuse an address that the server may not connect to. Names are looked up when it connects.

    Raises:
        ValidationError: the URL has such an address, or the name of this machine.
    """
    host = (url.host or "").rstrip(".").lower()
    try:
        address = str(ip_address(host))
    except ValueError:
        if host != "localhost" and not host.endswith(".localhost"):
            return
        address = "127.0.0.1"
    if not may_be_fetched_from(address, settings.CONDA_UPSTREAM_ALLOWED_NETWORKS):
        raise ValidationError(
            f"{host} is no public address. The server connects to loopback, private and link-local "
            "addresses only if the operator has added their network to the setting "
            "CONDA_UPSTREAM_ALLOWED_NETWORKS."
        )


def checked_host(value: str) -> str:
    """Return the name of a host in small letters, without a port.

    Raises:
        ValidationError: it is not the name of a host.
    """
    if not _HOST.fullmatch(value):
        raise ValidationError(f"{value!r} is not the name of a host, without scheme and port.")
    return value.rstrip(".").lower()


def checked_headers(value: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return further headers of requests.

    Raises:
        ValidationError: one of them cannot be sent, or is meant for a secret.
    """
    for name, content in [pair for header in value for pair in header.items()]:
        if not _HEADER_NAME.fullmatch(name):
            raise ValidationError(f"{name!r} cannot be the name of a header.")
        if name.lower() in _SECRET_HEADERS:
            raise ValidationError(
                f"Headers are stored and shown as they are. Give the secret of {name} by `auth` "
                "and its fields."
            )
        if not isinstance(content, str) or not _HEADER_VALUE.fullmatch(content):
            raise ValidationError(f"The header {name} must be a line of visible ASCII characters.")
    return value


def check_secrets(data: dict[str, Any], remote: CondaRemote | None) -> None:
    """Check that the secrets fit the way of authentication; drop those that it does not use.

    `data` are the new values of fields, and `remote` has the others.

    Raises:
        ValidationError: a secret is missing, is not used, or would be sent to another server than
            it was given for.
    """
    auth = data.get("auth") or (remote.auth if remote else None)
    if auth is None:
        auth = data["auth"] = BASIC if data.get("username") else NO_AUTH
    used = _SECRETS[auth]
    for field in ("username", "password", "token"):
        if field in used:
            continue
        if data.get(field):
            raise ValidationError({field: [f"The `auth` {auth} does not use it."]})
        data[field] = None
    _check_moved(data, remote, "url", used)
    _check_moved(data, remote, "proxy_url", ("proxy_username", "proxy_password"))
    if not used:
        return
    first = _new(data, remote, used[0])
    if not first:
        raise ValidationError({used[0]: [f"The `auth` {auth} needs it."]})
    if auth != BASIC and not _PRINTABLE.fullmatch(first):
        raise ValidationError({"token": ["It must consist of visible ASCII characters."]})
    if auth == BASIC and ":" in first:
        raise ValidationError({"username": ["It must not contain a colon."]})


def _check_moved(
    data: Mapping[str, Any], remote: CondaRemote | None, place: str, secrets: tuple[str, ...]
) -> None:
    """Refuse to send stored secrets to another server: who changes the URL may not know them."""
    before = getattr(remote, place, None)
    if not before or not data.get(place) or URL(before).origin() == URL(data[place]).origin():
        return
    for field in secrets:
        if field not in data and getattr(remote, field):
            raise ValidationError(
                {field: [f"The new {place} is another server; give the secret for it again."]}
            )


def check_certificates(data: Mapping[str, Any], remote: CondaRemote | None) -> None:
    """Check that certificates and key can be read and belong together.

    Raises:
        ValidationError: they do not.
    """
    fields = ("ca_cert", "client_cert", "client_key")
    if not any(data.get(field) for field in fields):
        return
    ca, certificate, key = (_new(data, remote, field) for field in fields)
    if bool(certificate) != bool(key):
        missing = "client_cert" if key else "client_key"
        raise ValidationError({missing: ["A client certificate needs its key, and vice versa."]})
    try:
        tls_context.__wrapped__(ca, certificate, key, validate=True)
    except UpstreamError as error:
        raise ValidationError(error.sentence) from None


def _new(data: Mapping[str, Any], remote: CondaRemote | None, field: str) -> Any:
    """Return the value that a field will have."""
    return data[field] if field in data else getattr(remote, field, None)
