"""The HTML page that lists the channels of the server, or of one owner, that a reader may read."""

from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from aiohttp.web import (
    HTTPMovedPermanently,
    HTTPNotFound,
    HTTPUnauthorized,
    Request,
    Response,
    StreamResponse,
)
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from pulpcore.plugin.models import Domain
from pulpcore.plugin.util import get_domain_pk, set_domain

from pulp_conda.app.authentication.addresses import address_of
from pulp_conda.app.core.serving import validate_domain
from pulp_conda.app.models import CHALLENGE, REQUESTER, ChannelName, CondaDistribution
from pulp_conda.app.models.rights import Requester, readable_channels
from pulp_conda.app.models.token import READ

from .database import ask
from .html import HEADERS, Rows, query, render
from .passwords import identify
from .users import introduce

_PER_PAGE: Final = 100
_MAX_QUERY: Final = 200
_SIGN_IN: Final = "sign-in"


@dataclass(frozen=True, slots=True)
class _Listed:
    """A channel in the list."""

    owner: str
    name: str
    description: str
    private: bool


async def list_channels(request: Request) -> StreamResponse:
    """Answer `/` and `/api/packages/{owner}/conda/` with the channels that the reader may read.

    Raises:
        HTTPMovedPermanently: the URL lacks the slash at its end.
        HTTPUnauthorized: the reader asks to sign in.
    """
    await identify(request)
    if not request.path.endswith("/"):
        raise HTTPMovedPermanently(f"{quote(request.path.rpartition('/')[2])}/")
    if REQUESTER not in request:
        with suppress(HTTPNotFound):  # the domain does not exist; _of_owner answers that
            await introduce(request)
    requester = request.get(REQUESTER) or Requester(request.get("user") or AnonymousUser())
    if _SIGN_IN in request.query and not requester.user.is_authenticated:
        raise HTTPUnauthorized(headers={"WWW-Authenticate": CHALLENGE})
    return await ask(_answer, request, requester)


def _answer(request: Request, requester: Requester) -> Response:
    owner = request.match_info.get("owner") or request.match_info.get("pulp_domain")
    channels = _of_owner(request, requester, owner) if owner else _of_all(requester)
    if channels is None:
        # One answer for an unknown owner and for one that the reader may not know of.
        return _page(request, requester, owner, [], HTTPStatus.NOT_FOUND)
    return _page(request, requester, owner, channels)


def _of_owner(request: Request, requester: Requester, owner: str) -> list[_Listed] | None:
    if settings.DOMAIN_ENABLED:
        try:
            validate_domain(request)
        except HTTPNotFound:
            return None
    channels = _readable(requester, owner__name__iexact=owner)
    return channels if channels or requester.may_know_of_owner(owner) else None


def _of_all(requester: Requester) -> list[_Listed]:
    if not settings.DOMAIN_ENABLED:
        return _readable(requester)
    channels: list[_Listed] = []
    for domain in Domain.objects.order_by("name"):
        set_domain(domain)
        channels += _readable(requester)
    return channels


def _readable(requester: Requester, **condition: Any) -> list[_Listed]:
    """Return the channels of the current domain that the requester may read, ordered by path."""
    found = CondaDistribution.objects.filter(
        readable_channels(requester.user),
        pulp_domain_id=get_domain_pk(),
        checkpoint=False,
        hidden=False,
        **condition,
    ).values_list("base_path", "repository__description", "content_guard")
    channels = []
    for base_path, description, guard in found.order_by("base_path"):
        name = ChannelName.of_base_path(base_path)
        token = requester.token
        if guard is None or token is None or token.covers(READ, name.owner, name.name):
            channels.append(_Listed(name.owner, name.name, description or "", guard is not None))
    return channels


def _page(
    request: Request,
    requester: Requester,
    owner: str | None,
    channels: list[_Listed],
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    q = request.query.get("q", "").strip()[:_MAX_QUERY]
    found = [each for each in channels if q.lower() in f"{each.owner}/{each.name}".lower()]
    shown = Rows.of(request.query.get("page", ""), len(found), _PER_PAGE)
    body = render(
        "channels.html",
        owner=owner,
        missing=status is HTTPStatus.NOT_FOUND,
        total=len(channels),
        q=q,
        page=shown,
        query=query(q=q) if q else "",
        rows=[(_href(each, owner), each) for each in shown.of_all(found)],
        snippets=_snippets(request, owner, channels),
        signed_in=requester.user.is_authenticated,
    )
    headers = {**HEADERS, "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    return Response(body=body, status=status, headers=headers)


def _href(channel: _Listed, owner: str | None) -> str:
    """Return the relative URL of a channel; a token in the URL of the list stays in the path."""
    name = f"{_quoted(channel.name)}/"
    return name if owner else f"api/packages/{quote(channel.owner)}/conda/{name}"


def _quoted(name: str) -> str:
    return quote(name, safe="/+")


def _snippets(
    request: Request, owner: str | None, channels: list[_Listed]
) -> list[tuple[str, str]]:
    """Return the commands for uploading and installing, and the settings for .condarc."""
    name = channels[0].name if channels else settings.CONDA_DEFAULT_CHANNEL
    alias = address_of(request)
    if not owner:
        first = quote(channels[0].owner) if channels else "OWNER"
        alias = f"{alias}/api/packages/{first}/conda"
    channel = f"{alias}/{_quoted(name)}"
    return [
        ("upload", f"curl --fail-with-body --user USER --upload-file PACKAGE.conda {channel}/"),
        ("conda", f"conda install --channel {channel} PACKAGE"),
        (".condarc", f'channel_alias: "{alias}"\nchannels:\n  - "{name}"\ndefault_channels: []'),
    ]
