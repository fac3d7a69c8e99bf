"""Tells the guards and handlers of pulpcore and other plugins which user made a request."""

from importlib import import_module
from typing import Any

from aiohttp.web import Request
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
)
from rest_framework.settings import api_settings

from pulp_conda.app.authentication.credentials import Identity, Password, credentials_of
from pulp_conda.app.authentication.identity import WrongCredentials
from pulp_conda.app.core.serving import authenticate as pulps_authentication
from pulp_conda.app.models import REQUESTER, Requester

from .database import ask
from .passwords import identified

_AUTHORIZATION = "Authorization"
_KEYS = ("user", "auth", "drf_request")


async def introduce(request: Request) -> None:
    """Set `user`, `auth` and `drf_request` of a request, as pulpcore's authentication does.

    pulpcore's authentication is called without the password, because it would compute the hash
    in the one thread that queries the database. It finds no sessions, because the content app
    lacks Django's middlewares. So passwords and sessions are looked up here. As in pulpcore, a
    wrong password makes the requester anonymous.

    Raises:
        HTTPTooManyRequests: too many passwords are being checked.
    """
    credentials = credentials_of(request.headers)
    known: Requester | None = request.get(REQUESTER)
    if known is None and isinstance(credentials, Password) and _is_taken(BasicAuthentication):
        try:
            known = await identified(credentials)
        except WrongCredentials:
            known = None
    bare = _without_password(request, credentials)
    await pulps_authentication(bare, _nothing)
    for key in _KEYS:
        request[key] = bare[key]
    if known is None and credentials is None and not request["user"].is_authenticated:
        known = await _of_session(request)
    if known is not None:
        request["drf_request"].user = request["user"] = known.user
        request["drf_request"].auth = request["auth"] = known.token


def _without_password(request: Request, credentials: Any) -> Request:
    headers = request.headers.copy()
    if headers.get(_AUTHORIZATION, "").strip().lower().startswith("basic"):
        headers.popall(_AUTHORIZATION)
        if isinstance(credentials, Identity):
            headers[_AUTHORIZATION] = f"Bearer {credentials.jwt}"
    return request.clone(headers=headers)


def _is_taken(wanted: type[BaseAuthentication]) -> bool:
    """Tell whether Pulp's settings enable an authentication class."""
    kinds: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES  # classes, though typed as names
    return any(issubclass(kind, wanted) for kind in kinds)


async def _of_session(request: Request) -> Requester | None:
    """Return the user of the session whose cookie the request brings."""
    key = request.cookies.get(settings.SESSION_COOKIE_NAME)
    return await ask(_holder, key) if key and _is_taken(SessionAuthentication) else None


def _holder(key: str) -> Requester | None:
    """Return the user of a session, in the same way as Django's middlewares."""
    carrier = HttpRequest()
    carrier.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(carrier)
    return Requester(user) if user.is_active else None


async def _nothing(_: Request) -> None:
    """Stand for the handler, since only the authentication in front of it is wanted."""
