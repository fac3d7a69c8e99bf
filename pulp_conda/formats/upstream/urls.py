"""Where the files and shards of an upstream are (CEP 15, 16).

A document may say so by a URL that is relative to it, or absolute. Clients follow it anywhere. A
server does not: by it an upstream could make the server ask any host, with its own address.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from pulp_conda.formats.errors import TrustedText, quoted

from .errors import UnusableDocument

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_CHARACTERS: Final = 2048
_ALLOWED: Final = re.compile(r"[A-Za-z0-9._~:/@!$&'()*+,;=%\[\]-]*")
"""The characters of URLs (RFC 3986) without a query and a fragment, to which no file name can be
appended."""


def files_url(document_url: str, base_url: str, allowed_hosts: Collection[str] = ()) -> str:
    """Return the URL of the folder with the package files, with a slash at its end.

    `base_url` is what the document at `document_url` says, empty if it says nothing: the files are
    beside the document. `allowed_hosts` are further hosts, on any port, that it may name. The
    result has no user name, password, query or fragment.

    Raises UnusableDocument if it is on another host, not HTTP, or less safe than `document_url`.
    """
    return _folder(document_url, base_url, allowed_hosts, TrustedText("its base_url"))


def shards_url(document_url: str, shards_base_url: str, allowed_hosts: Collection[str] = ()) -> str:
    """Return the URL of the folder with the shards, by the rules of `files_url`."""
    return _folder(document_url, shards_base_url, allowed_hosts, TrustedText("its shards_base_url"))


def shard_url(shards_url: str, digest: bytes) -> str:
    """Return the URL of a shard in the folder `shards_url`."""
    return f"{shards_url}{digest.hex()}.msgpack.zst"


def package_url(files_url: str, filename: str) -> str:
    """Return the URL of a package in the folder `files_url`.

    No character that `filename_fault` lets through is quoted in URLs.
    """
    return f"{files_url}{filename}"


def _folder(
    document_url: str, said: str, allowed_hosts: Collection[str], field: TrustedText
) -> str:
    if len(said) > _MAX_CHARACTERS:
        raise UnusableDocument(field, TrustedText(f"it has more than {_MAX_CHARACTERS} characters"))
    if not _ALLOWED.fullmatch(said):
        reason = "it has a query, a fragment or other characters that no folder has"
        raise UnusableDocument(field, TrustedText(reason))
    document = urlsplit(document_url)
    try:
        url = urlsplit(urljoin(document_url, said or "."))
        fault = _fault(document, url, allowed_hosts)
    except ValueError as error:
        raise UnusableDocument(field, TrustedText("it cannot be read")) from error
    if fault:
        raise UnusableDocument(field, TrustedText(fault))
    place = url.netloc.rpartition("@")[2]
    path = url.path if url.path.endswith("/") else f"{url.path}/"
    return urlunsplit((url.scheme, place, path, "", ""))


def _fault(document: SplitResult, url: SplitResult, allowed_hosts: Collection[str]) -> str | None:
    if url.scheme not in _DEFAULT_PORTS or not url.hostname:
        return "it is not an HTTP URL"
    if "@" in url.netloc and url.netloc != document.netloc:
        return "it has a user name or a password"
    if document.scheme == "https" and url.scheme != "https":
        return "it is not encrypted, although the document is"
    if _place(url) == _place(document):
        return None
    if url.hostname not in {host.lower() for host in allowed_hosts}:
        return f"it is on {quoted(_shown_place(url))}, which is not an allowed host"
    return None


def _place(url: SplitResult) -> tuple[str | None, int | None]:
    """Return host and port, None for the port of the scheme: http and https are one host."""
    port = url.port if url.port != _DEFAULT_PORTS.get(url.scheme) else None
    return url.hostname, port


def _shown_place(url: SplitResult) -> str:
    host, port = _place(url)
    return f"{host}:{port}" if port else str(host)
