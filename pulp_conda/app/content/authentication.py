"""Says who asks for a channel's files, before pulpcore tries to."""

from collections.abc import Awaitable, Callable

from aiohttp.web import HTTPBadRequest, HTTPUnauthorized, Request, StreamResponse, middleware

from pulp_conda.app.authentication.addresses import without_token
from pulp_conda.app.authentication.credentials import Password, Token, credentials_of, is_token
from pulp_conda.app.authentication.identity import WrongCredentials, identify
from pulp_conda.app.models import CHALLENGE, REQUESTER

from .database import ask
from .handlers import HANDLERS
from .passwords import identified
from .users import introduce

_Handler = Callable[[Request], Awaitable[StreamResponse]]
_CREDENTIALS = ("Authorization", "X-API-Key")


@middleware
async def authenticate(request: Request, handler: _Handler) -> StreamResponse:
    """Check a request's credentials and pass it on without them.

    Passwords are checked here on the registry's own URLs alone, for other URLs when somebody
    wants to know the user (`users.introduce`). Of tokens pulpcore and other plugins know nothing.

    Raises:
        HTTPBadRequest: a header cannot be read.
        HTTPUnauthorized: the credentials are wrong.
        HTTPTooManyRequests: too many passwords are being checked.
    """
    for header in request.headers.items():
        if not _is_legible(*header):
            raise HTTPBadRequest(text=f"the header {header[0]} cannot be read")
    credentials = credentials_of(request.headers, request.match_info.get("token"))
    if not isinstance(credentials, Token | Password) or not _is_ours(request, credentials):
        return await handler(request)
    try:
        if isinstance(credentials, Password):
            requester = await identified(credentials)
        else:
            requester = await ask(identify, credentials)
    except WrongCredentials as error:
        raise HTTPUnauthorized(text=str(error), headers={"WWW-Authenticate": CHALLENGE}) from error
    anonymous = _without_credentials(request)
    anonymous[REQUESTER] = requester
    return await handler(anonymous)


@middleware
async def authenticate_for_others(request: Request, handler: _Handler) -> StreamResponse:
    """Do what pulpcore's authentication does, unless the handler is ours.

    It takes as long as all the rest of an answer, and of most channels everybody may read.
    Channels with a guard ask for it themselves.
    """
    if request.match_info.handler not in HANDLERS:
        await introduce(request)
    return await handler(request)


def _is_legible(name: str, value: str) -> bool:
    """Tell whether a header is ASCII, or else printable; aiohttp copies nothing else.

    Credentials have to be ASCII, since pulpcore's authentication fails on anything else.
    """
    if value.isascii():
        return True
    return name.lower() != "authorization" and value.isprintable()


def _without_credentials(request: Request) -> Request:
    """Return the request as it would be without: pulpcore's cache keeps what stands in URLs."""
    headers = request.headers.copy()
    for name in _CREDENTIALS:
        headers.popall(name, None)
    return request.clone(headers=headers, rel_url=without_token(request))


def _is_ours(request: Request, credentials: Token | Password) -> bool:
    if (
        request.path == "/"
        or request.path.startswith("/api/packages/")
        or "token" in request.match_info
    ):
        return True
    return isinstance(credentials, Token) and is_token(credentials.secret)
