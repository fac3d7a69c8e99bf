"""Who asks, as pulpcore's guards and handlers and those of other plugins are told it."""

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
_TOLD = ("user", "auth", "drf_request")


async def introduce(request: Request) -> None:
    """Set `user`, `auth` and `drf_request` of a request, as pulpcore's authentication does.

    That one would compute the hash of a password in the one thread that asks the database, so it
    gets to see none; and it knows no sessions, since the content app lacks Django's middlewares.
    Like it, this takes who presents a wrong password for nobody.

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
    for name in _TOLD:
        request[name] = bare[name]
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
    """Tell whether Pulp takes a kind of authentication, which is for its operator to say."""
    kinds: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES  # imported by now
    return any(issubclass(kind, wanted) for kind in kinds)


async def _of_session(request: Request) -> Requester | None:
    """Return whose session a browser sends the cookie of."""
    key = request.cookies.get(settings.SESSION_COOKIE_NAME)
    return await ask(_holder, key) if key and _is_taken(SessionAuthentication) else None


def _holder(key: str) -> Requester | None:
    """Return whose session this is, as Django's middlewares find out."""
    carrier = HttpRequest()
    carrier.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(carrier)
    return Requester(user) if user.is_active else None


async def _nothing(_: Request) -> None:
    """Stand for the handler where only the authentication in front of it is wanted."""
