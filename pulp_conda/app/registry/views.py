"""What the views of all dialects share: who asks, for which channel, and how failures are told."""

import http
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponseBase
from pulpcore.plugin.models import Domain
from pulpcore.plugin.util import get_domain, set_domain
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.viewsets import ViewSet

from pulp_conda.app.authentication.drf import CondaAuthentication
from pulp_conda.app.authentication.origins import check_origin
from pulp_conda.app.channels.changes.remove import remove
from pulp_conda.app.channels.changes.upload import add
from pulp_conda.app.channels.intake.ingest import ingest, received
from pulp_conda.app.channels.intake.target_channel import (
    check_not_pinned,
    find_distribution,
    find_or_create_repository,
    repository_of,
)
from pulp_conda.app.channels.storage.durability import deferred_fsync
from pulp_conda.app.models import (
    AccessToken,
    ChannelName,
    CondaDistribution,
    CondaOwner,
    CondaPackage,
    CondaRepository,
    Requester,
    channel_named,
)
from pulp_conda.app.tasks import dispatch_commit
from pulp_conda.formats.errors import InvalidIdentifier
from pulp_conda.formats.identifiers import Extension, check_owner

from .bodies import Body, is_upload_check
from .errors import explain
from .negotiation import Unread, WhateverAccepted

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
_REFUSAL = "X-Upload-Refusal"
_MOST_CHARACTERS = 2000  # nginx takes 4 kB of headers
_STORING = ("PUT", "POST")
_RETRY_AFTER_SECONDS = 5


class NativeView(ViewSet):
    """A view of a native client API; answers failures with `reason` and `message`."""

    schema = None  # clients know these APIs; Pulp's description is of its own
    parser_classes = [Unread]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = WhateverAccepted
    # It looks for the domain where a failure becomes a page without a word of explanation.
    skip_domain_middleware = True
    methods_of_content_app: tuple[str, ...] = ()
    """What else is answered at the view's URLs, though not here."""

    @property
    def allowed_methods(self) -> list[str]:
        """The methods that the view's URLs know, wherever they are answered."""
        known = {*super().allowed_methods, *self.methods_of_content_app}
        return sorted(known, key=_METHODS.index)

    def options(self, *_: Any, **__: Any) -> Response:
        """Say by the header `Allow`, which every answer has, what can be done."""
        return Response(status=204)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Enter the domain, which is the owner where there are domains, and let DRF go on.

        Anybody may ask for the options: browsers do before they send credentials.
        """
        if request.method == "OPTIONS":
            return
        check_origin(request, kwargs.get("token"))
        if self.action is None:
            self.perform_authentication(request)
            raise MethodNotAllowed(request.method)
        name = kwargs.get("owner", "default") if settings.DOMAIN_ENABLED else "default"
        # One that does not exist is judged as an empty one: not everybody may know of either.
        domain = Domain.objects.filter(name=name).first() or Domain(name=name)
        set_domain(domain)
        request.pulp_domain = domain  # type: ignore[attr-defined]
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        """Turn whatever went wrong into an answer that a packager understands."""
        status, message, headers = explain(exc, super().handle_exception)
        if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            headers = {**headers, "Retry-After": str(_RETRY_AFTER_SECONDS)}
        return self.failure(exc, status, message, headers)

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Keep answers out of caches, and tell refusals to who asks for an upload's sake.

        What is told depends on who asks. nginx, which asks whether an upload may begin, sees
        nothing of the answer but its headers.
        """
        response.headers.setdefault("Cache-Control", "private, no-store")
        refused = response.status_code >= http.HTTPStatus.BAD_REQUEST
        if refused and is_upload_check(request) and isinstance(response, Response):
            words = json.dumps(response.data)
            if len(words) <= _MOST_CHARACTERS:
                response.headers[_REFUSAL] = words
        return super().finalize_response(request, response, *args, **kwargs)

    def failure(
        self, _cause: Exception, status: int, message: str, headers: Mapping[str, str]
    ) -> HttpResponseBase:
        """Answer that something failed, in the words that the dialect's clients look for."""
        body = {"reason": http.HTTPStatus(status).phrase, "message": message}
        return Response(body, status=status, headers=headers, content_type="application/json")


class RegistryView(NativeView):
    """A view of a channel, or of several channels of one owner.

    It lets DRF authenticate, reads from the URL which channel is meant and authorises, all before
    the body is read.
    """

    authentication_classes: Any = [
        CondaAuthentication,
        *api_settings.DEFAULT_AUTHENTICATION_CLASSES,
    ]
    channel: ChannelName

    @classmethod
    def urlpattern(cls) -> str:
        """Name these views among the access policies."""
        return "conda/registry"

    @cached_property
    def owner(self) -> str:
        """The owner that the URL names, in any case, as the name is written."""
        return CondaOwner.objects.canonical(check_owner(self.kwargs["owner"]))

    def channel_of(self, **kwargs: Any) -> ChannelName:
        """Return the channel that the URL's arguments name; its owner's default one without any.

        Raises:
            InvalidIdentifier: no channel can have that name.
        """
        return channel_named(self.owner, kwargs.get("channel"))

    def check_permissions(self, request: Request) -> None:
        """Find the channel and authorise.

        Raises:
            InvalidIdentifier: something is to be stored under a name that breaks the grammar.
            Http404: something is looked for there.
        """
        try:
            self.channel = self.channel_of(**self.kwargs)
        except InvalidIdentifier as error:
            if request.method in _STORING:
                raise
            raise Http404(str(error)) from error
        super().check_permissions(request)

    @property
    def requester(self) -> Requester:
        """The one who asks."""
        token = self.request.auth
        return Requester(self.request.user, token if isinstance(token, AccessToken) else None)

    @property
    def channels(self) -> Sequence[ChannelName]:
        """The channels that an upload is to go into, or that packages are to leave."""
        return [self.channel]

    @cached_property
    def distributions(self) -> Mapping[ChannelName, CondaDistribution | None]:
        """The same channels, with the distributions of those that exist."""
        return {channel: find_distribution(channel) for channel in self.channels}

    @cached_property
    def targets(self) -> Mapping[ChannelName, CondaRepository | None]:
        """The same channels, with the repositories that those serve which exist."""
        return {channel: repository_of(found) for channel, found in self.distributions.items()}

    def check_changeable(self) -> None:
        """Check that packages can come into the channels that are meant, and leave them.

        Only those may be told who were found to have the right to.

        Raises:
            Http404: there is no domain of the owner's name.
            ChannelPinned: one of the channels serves a fixed version.
        """
        if get_domain()._state.adding:
            raise Http404(f"there is no owner {self.owner}")
        for distribution in self.distributions.values():
            check_not_pinned(distribution)

    @property
    def replaces(self) -> bool:
        """Whether an upload may take the place of a file of the same name."""
        return False

    def store(
        self,
        body: Body,
        extension: Extension,
        *,
        claimed_subdir: str | None = None,
        sha256: str | None = None,
        md5: str | None = None,
    ) -> CondaPackage:
        """Take a body into the view's channels; return once clients can install the package.

        `claimed_subdir`, `sha256` and `md5` are what the client says of it.

        Raises:
            InvalidPackage, IncompleteBody, WrongSubdir, WrongDigest: the package is refused.
            PackageExists, NameRetired, ChannelFull: a channel does not take it.
            CommitTimeout, CommitFailed: it did not get into a channel; a retry is in order.
        """
        with deferred_fsync():
            with received(body, body.size) as file:
                package = ingest(
                    file,
                    extension,
                    claimed_subdir=claimed_subdir,
                    claimed_sha256=sha256,
                    claimed_md5=md5,
                )
            for channel, existing in self.targets.items():
                repository = existing or find_or_create_repository(channel)
                add(repository, package, dispatch_commit, replace=self.replaces)
                if not repository.autopublish:
                    self.unpublished.append(channel)
        return package

    @cached_property
    def unpublished(self) -> list[ChannelName]:
        """The channels that hold what was stored and do not publish by themselves."""
        return []

    def stored(self, **facts: str) -> Response:
        """Answer 201 with facts of what was stored, and say where it is not published yet."""
        if self.unpublished:
            names = " and ".join(map(str, self.unpublished))
            facts["message"] = f"stored in {names}; clients find it once the channel is published"
        return Response(facts or None, status=201)

    def withdraw(self, **selection: str) -> None:
        """Take the packages with the given fields out of the view's channels.

        Returns once no index of theirs names them any more.

        Raises:
            Http404, NothingToRemove: there is no such channel, or no such package in it.
            ChannelPinned: the channel would go on to serve them.
            CommitTimeout, CommitFailed: they are still there; a retry is in order.
        """
        self.check_changeable()
        for channel, repository in self.targets.items():
            if repository is None:
                raise Http404(f"there is no channel {channel}")
            remove(repository, selection, dispatch_commit)


class NowhereView(NativeView):
    """What URLs among the registry's lead to that name nothing."""

    def initial(self, *_: Any, **__: Any) -> None:
        """Refuse whatever is asked.

        Raises:
            Http404: always.
        """
        raise Http404("no owner, channel or file can have this URL")


def wants(request: Request, option: str) -> bool:
    """Tell whether a client switches an option on in its URL's query."""
    value: str = request.query_params.get(option, "")
    return value.lower() in ("true", "1", "yes")
