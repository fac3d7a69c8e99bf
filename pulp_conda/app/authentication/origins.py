"""Protection against requests that a page of another site makes a browser send.

A browser adds by itself what it keeps for a server: a user name and password that were typed in,
the cookie of a session, a certificate. It never adds an access token in a header. A request with
one was written by somebody who has the token.
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
"""Values of `Sec-Fetch-Site` for requests by the server's own pages, and by the user directly."""

_EXPLICIT = ("bearer", "token")
"""Schemes of `Authorization` that browsers never send by themselves."""


def check_origin(request: HttpRequest, path_token: str | None = None) -> None:
    """Refuse a change that a page of another site may have requested.

    Raises:
        PermissionDenied: the request comes from another site's page, is not a safe method, and
            has only credentials that browsers add by themselves.
    """
    if (
        request.method not in SAFE_METHODS
        and not _is_explicit(request.headers, path_token)
        and _comes_from_elsewhere(request)
    ):
        raise PermissionDenied("A page of another site may only do this with an access token.")


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
