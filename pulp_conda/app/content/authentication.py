"""Authentication in the content app, in front of pulpcore's own middleware."""

from collections.abc import Awaitable, Callable

from aiohttp.web import HTTPBadRequest, HTTPUnauthorized, Request, StreamResponse, middleware

from pulp_conda.app.authentication.addresses import without_token
from pulp_conda.app.authentication.credentials import Password, Token, credentials_of, is_token
from pulp_conda.app.authentication.identity import WrongCredentials
from pulp_conda.app.models import CHALLENGE

from .handlers import HANDLERS
from .passwords import CREDENTIALS, identify
from .users import introduce

_Handler = Callable[[Request], Awaitable[StreamResponse]]
_CREDENTIALS = ("Authorization", "X-API-Key")


@middleware
async def authenticate(request: Request, handler: _Handler) -> StreamResponse:
    """Call the handler with a request without its credentials, which are checked.

    Our handlers check them together with the channel that is asked for. For all others they are
    checked here. A password is one of these credentials at the registry's URLs only. At other URLs
    it is checked when a guard or handler needs the user (`users.introduce`).

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
    anonymous = _without_credentials(request)
    anonymous[CREDENTIALS] = credentials
    try:
        if request.match_info.handler not in HANDLERS:
            await identify(anonymous)
        return await handler(anonymous)
    except WrongCredentials as error:
        raise HTTPUnauthorized(text=str(error), headers={"WWW-Authenticate": CHALLENGE}) from error


@middleware
async def authenticate_for_others(request: Request, handler: _Handler) -> StreamResponse:
    """Run pulpcore's authentication for the handlers of pulpcore and other plugins.

    It takes as long as the rest of an answer, and most channels are public. Our handlers run it
    only for a channel whose guard needs it.
    """
    if request.match_info.handler not in HANDLERS:
        await introduce(request)
    return await handler(request)


def _is_legible(name: str, value: str) -> bool:
    """Tell whether a header is printable, because aiohttp cannot copy a request with others.

    `Authorization` has to be ASCII, because pulpcore's authentication fails on anything else.
    """
    if value.isascii():
        return True
    return name.lower() != "authorization" and value.isprintable()


def _without_credentials(request: Request) -> Request:
    """Return the request without credentials: pulpcore's cache would keep a token in the URL."""
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
