"""Requests that a page of another site makes a browser send, in its reader's name.

A browser adds by itself what it knows for a server: a name and password that were typed in once,
a session's cookie, a certificate. It adds no access token to a header, so where one is sent the
page's author had it already.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.utils.http import is_same_domain
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS

_OWN_SITES = ("same-origin", "none")
"""What browsers say (`Sec-Fetch-Site`) of requests by a server's own pages, and by their users."""

_EXPLICIT = ("bearer", "token")
"""The schemes of `Authorization` that no browser chooses by itself."""


def check_origin(request: HttpRequest, path_token: str | None = None) -> None:
    """Refuse what another site's page may have asked for.

    Raises:
        PermissionDenied: a page of another site wants to change something, with nothing but what
            a browser adds by itself.
    """
    if (
        request.method not in SAFE_METHODS
        and not _is_explicit(request.headers, path_token)
        and _comes_from_elsewhere(request)
    ):
        raise PermissionDenied("A page of another site may do this with an access token only.")


def _is_explicit(headers: Mapping[str, str], path_token: str | None) -> bool:
    if authorization := headers.get("Authorization"):
        return authorization.partition(" ")[0].lower() in _EXPLICIT
    return bool(headers.get("X-API-Key") or path_token)


def _comes_from_elsewhere(request: HttpRequest) -> bool:
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site in _OWN_SITES or (site is None and origin is None):
        return False
    asking = urlsplit(origin or "").netloc
    trusted = [urlsplit(each).netloc.lstrip("*") for each in settings.CSRF_TRUSTED_ORIGINS]
    if site is None:
        trusted.append(_host(request))
    return not any(is_same_domain(asking, each) for each in trusted)


def _host(request: HttpRequest) -> str:
    try:
        return request.get_host()
    except DisallowedHost:
        return ""
