"""Who asks for a channel, and whether they may read it."""

from typing import cast
from uuid import UUID

from aiohttp.web import HTTPForbidden, Request
from pulpcore.plugin.models import ContentGuard

from pulp_conda.app.authentication.identity import asker_of
from pulp_conda.app.models import (
    REQUESTER,
    SERVED,
    ChannelName,
    CondaContentGuard,
    CondaDistribution,
    Requester,
    Right,
)
from pulp_conda.app.models.access_facts import AccessFacts, Asked, facts_of

from . import lookup
from .lookup import Channel
from .passwords import CREDENTIALS, recognised


class UserUnknown(Exception):
    """The channel's guard needs the user that pulpcore's authentication finds."""


def check_credentials(request: Request, name: ChannelName | None, asked: str) -> AccessFacts | None:
    """Check credentials that nobody has checked, by one statement for them and the channel."""
    credentials = request.get(CREDENTIALS)
    if credentials is None or REQUESTER in request:
        return None
    domain = request.match_info.get("pulp_domain", "default")
    if name is None:
        what = Asked(domain, base_paths=lookup.base_paths(asked))
    else:
        what = Asked(domain, name.owner, name.name)
    facts = facts_of(asker_of(credentials), what)
    request[REQUESTER] = recognised(credentials, facts)
    request[SERVED] = facts.distribution
    return facts


def permit(request: Request, channel: Channel, guard_pk: UUID) -> None:
    """Let the guard of a channel decide whether the requester may read it.

    Raises:
        UserUnknown: call again after pulpcore's authentication.
        HTTPForbidden: they may not, or may not know that the channel exists.
    """
    if "user" not in request and REQUESTER not in request:
        raise UserUnknown
    request[SERVED] = request.get(SERVED) or channel.distribution
    guard: ContentGuard | None = _our_guard(request[SERVED], guard_pk)
    if guard is None:
        if "drf_request" not in request:  # only guards other than ours need it
            raise UserUnknown
        _check_token(request, channel)
        other = ContentGuard.objects.filter(pk=guard_pk).first()
        guard = other and other.cast()
    if guard is None:  # it was deleted at this moment
        raise HTTPForbidden
    try:
        guard.permit(request)
    except HTTPForbidden:
        raise
    except PermissionError as error:
        raise HTTPForbidden(reason=" ".join(str(error).split())) from error


def _our_guard(distribution: CondaDistribution, guard_pk: UUID) -> CondaContentGuard | None:
    if CondaDistribution._meta.get_field("content_guard").is_cached(distribution):
        return cast(CondaContentGuard, distribution.content_guard)
    return CondaContentGuard.objects.filter(pk=guard_pk).first()


def _check_token(request: Request, channel: Channel) -> None:
    """Refuse a token without the right to read the channel, whatever rights its user has."""
    requester: Requester | None = request.get(REQUESTER)
    if requester and not requester.token_covers(Right.READ, channel.distribution.channel):
        raise HTTPForbidden(reason="The access token does not permit reading this channel")
