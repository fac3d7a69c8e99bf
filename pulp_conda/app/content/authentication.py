"""Says who asks for a channel's files, before pulpcore tries to."""

from collections.abc import Awaitable, Callable

from aiohttp.web import HTTPUnauthorized, Request, StreamResponse, middleware
from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, connection

from pulp_conda.app.authentication.addresses import without_token
from pulp_conda.app.authentication.credentials import Password, Token, credentials_of, is_token
from pulp_conda.app.authentication.identity import WrongCredentials, identify
from pulp_conda.app.models import CHALLENGE, REQUESTER, Requester

_Handler = Callable[[Request], Awaitable[StreamResponse]]
_CREDENTIALS = ("Authorization", "X-API-Key")


@middleware
async def authenticate(request: Request, handler: _Handler) -> StreamResponse:
    """Check a request's credentials and pass it on without them.

    Passwords are checked here on the registry's own URLs alone: elsewhere other plugins' guards
    want to know the user. Of tokens those know nothing.

    Raises:
        HTTPUnauthorized: the credentials are wrong.
    """
    credentials = credentials_of(request.headers, request.match_info.get("token"))
    if credentials is None or not _is_ours(request, credentials):
        return await handler(request)
    try:
        requester = await sync_to_async(_identify)(credentials)
    except WrongCredentials as error:
        raise HTTPUnauthorized(text=str(error), headers={"WWW-Authenticate": CHALLENGE}) from error
    anonymous = _without_credentials(request)
    anonymous[REQUESTER] = requester
    return await handler(anonymous)


def _without_credentials(request: Request) -> Request:
    """Return the request as it would be without: pulpcore's cache keeps what stands in URLs."""
    headers = request.headers.copy()
    for name in _CREDENTIALS:
        headers.popall(name, None)
    return request.clone(headers=headers, rel_url=without_token(request))


def _is_ours(request: Request, credentials: Token | Password) -> bool:
    if request.path.startswith("/api/packages/") or "token" in request.match_info:
        return True
    return isinstance(credentials, Token) and is_token(credentials.secret)


def _identify(credentials: Token | Password) -> Requester:
    try:
        return identify(credentials)
    except (DatabaseError, InterfaceError):
        # The content app keeps its connection for as long as it runs; the database may not.
        connection.close()
        return identify(credentials)
