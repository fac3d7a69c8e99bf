"""Base views of all dialects: authentication, the target channels, and answers to failures."""

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
from pulp_conda.app.channels.changes.upload import add, check_free, new_upload
from pulp_conda.app.channels.intake.ingest import inspected, received, save
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

from .bodies import UploadBody, is_upload_check
from .errors import explain
from .negotiation import NoNegotiation, NoParser

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
_REFUSAL = "X-Upload-Refusal"
_MAX_REFUSAL_CHARACTERS = 2000  # nginx takes 4 kB of headers
_STORING = ("PUT", "POST")
_RETRY_AFTER_SECONDS = 5


class NativeView(ViewSet):
    """A view of a native client API; answers failures with `reason` and `message`."""

    schema = None  # OpenAPI describes Pulp's own API only
    parser_classes = [NoParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = NoNegotiation
    # The middleware answers an unknown domain with a page that gives no reason.
    skip_domain_middleware = True
    methods_of_content_app: tuple[str, ...] = ()
    """Methods that the content app answers at the view's URLs."""

    @property
    def allowed_methods(self) -> list[str]:
        """The methods of the view's URLs, including those of the content app."""
        known = {*super().allowed_methods, *self.methods_of_content_app}
        return sorted(known, key=_METHODS.index)

    def options(self, *_: Any, **__: Any) -> Response:
        """Answer OPTIONS; the header `Allow`, which every answer has, lists the methods."""
        return Response(status=204)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Set the domain (the owner, if domains are enabled), then let DRF check the request.

        OPTIONS is not checked, because browsers send it before they send credentials.
        """
        if request.method == "OPTIONS":
            return
        check_origin(request, kwargs.get("token"))
        if self.action is None:
            self.perform_authentication(request)
            raise MethodNotAllowed(request.method)
        name = kwargs.get("owner", "default") if settings.DOMAIN_ENABLED else "default"
        # An absent domain is treated as an empty one, so that the answers do not differ.
        domain = Domain.objects.filter(name=name).first() or Domain(name=name)
        set_domain(domain)
        request.pulp_domain = domain  # type: ignore[attr-defined]
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        """Answer any exception with a status and a message for the uploader."""
        status, message, headers = explain(exc, super().handle_exception)
        if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            headers = {**headers, "Retry-After": str(_RETRY_AFTER_SECONDS)}
        return self.failure(exc, status, message, headers)

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Keep answers out of caches, and repeat the refusal of an upload check in a header.

        Caches must not keep answers, because they depend on the user. nginx reads only the
        headers of the answer to an upload check.
        """
        response.headers.setdefault("Cache-Control", "private, no-store")
        refused = response.status_code >= http.HTTPStatus.BAD_REQUEST
        if refused and is_upload_check(request) and isinstance(response, Response):
            refusal = json.dumps(response.data)
            if len(refusal) <= _MAX_REFUSAL_CHARACTERS:
                response.headers[_REFUSAL] = refusal
        return super().finalize_response(request, response, *args, **kwargs)

    def failure(
        self, _cause: Exception, status: int, message: str, headers: Mapping[str, str]
    ) -> HttpResponseBase:
        """Return the answer to a failure, in the form that the dialect's clients expect."""
        body = {"reason": http.HTTPStatus(status).phrase, "message": message}
        return Response(body, status=status, headers=headers, content_type="application/json")


class RegistryView(NativeView):
    """A view of a channel, or of several channels of one owner.

    It authenticates by DRF, reads the channel from the URL and authorises, before the body is
    read.
    """

    authentication_classes: Any = [
        CondaAuthentication,
        *api_settings.DEFAULT_AUTHENTICATION_CLASSES,
    ]
    channel: ChannelName

    @classmethod
    def urlpattern(cls) -> str:
        """Return the name of these views' access policy."""
        return "conda/registry"

    @cached_property
    def owner(self) -> str:
        """The owner in the URL, found in any case, in the spelling of the stored name."""
        return CondaOwner.objects.canonical(check_owner(self.kwargs["owner"]))

    def channel_of(self, **kwargs: Any) -> ChannelName:
        """Return the channel that the URL names, or the owner's default channel.

        Raises:
            InvalidIdentifier: the name is not valid for a channel.
        """
        return channel_named(self.owner, kwargs.get("channel"))

    def check_permissions(self, request: Request) -> None:
        """Find the channel and authorise.

        Raises:
            InvalidIdentifier: a request to store has an invalid name.
            Http404: any other request has an invalid name.
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
        """The user who makes the request, and their token."""
        token = self.request.auth
        return Requester(self.request.user, token if isinstance(token, AccessToken) else None)

    @property
    def channels(self) -> Sequence[ChannelName]:
        """The target channels: an upload is added to them, or packages are removed from them."""
        return [self.channel]

    @cached_property
    def distributions(self) -> Mapping[ChannelName, CondaDistribution | None]:
        """The distribution of each target channel; None if the channel does not exist."""
        return {channel: find_distribution(channel) for channel in self.channels}

    @cached_property
    def targets(self) -> Mapping[ChannelName, CondaRepository | None]:
        """The repository of each target channel; None if the channel does not exist."""
        return {channel: repository_of(found) for channel, found in self.distributions.items()}

    def check_changeable(self) -> None:
        """Check that packages can be added to and removed from the target channels.

        Call it after authorisation: others may not learn which channels are pinned.

        Raises:
            Http404: the owner's domain does not exist.
            ChannelPinned: one of the channels serves a fixed version.
        """
        if get_domain()._state.adding:
            raise Http404(f"there is no owner {self.owner}")
        for distribution in self.distributions.values():
            check_not_pinned(distribution)

    @property
    def replaces(self) -> bool:
        """Whether an upload may replace a file of the same name."""
        return False

    def store(
        self,
        body: UploadBody,
        extension: Extension,
        *,
        claimed_subdir: str | None = None,
        sha256: str | None = None,
        md5: str | None = None,
    ) -> CondaPackage:
        """Add a package to the target channels; return once clients can install it.

        `claimed_subdir`, `sha256` and `md5` are the client's claims, which are checked.

        Raises:
            InvalidPackage, IncompleteBody, WrongSubdir, WrongDigest: the package is refused.
            PackageExists, NameRetired, ChannelFull: a channel does not accept the package.
            CommitTimeout, CommitFailed: the package was not added; the client may retry.
        """
        with deferred_fsync(), received(body, body.size) as file:
            package = inspected(
                file,
                extension,
                claimed_subdir=claimed_subdir,
                claimed_sha256=sha256,
                claimed_md5=md5,
            )
            if not self.replaces:
                for repository in filter(None, self.targets.values()):
                    check_free(repository, package)
            for channel, existing in self.targets.items():
                repository = existing or find_or_create_repository(channel)
                upload = new_upload(repository, replace=self.replaces)
                save(package, file, upload=upload)
                add(upload, package, dispatch_commit)
                if not repository.autopublish:
                    self.unpublished.append(channel)
        return package

    @cached_property
    def unpublished(self) -> list[ChannelName]:
        """The channels that hold the stored package but do not publish automatically."""
        return []

    def stored(self, **facts: str) -> Response:
        """Answer 201 with facts about the stored package, and name the unpublished channels."""
        if self.unpublished:
            names = " and ".join(map(str, self.unpublished))
            facts["message"] = f"stored in {names}; clients find it once the channel is published"
        return Response(facts or None, status=201)

    def withdraw(self, **selection: str) -> None:
        """Remove the packages with the given fields from the target channels.

        Returns once the channels' indexes no longer name them.

        Raises:
            Http404, NothingToRemove: there is no such channel, or no such package in it.
            ChannelPinned: the channel would still serve the packages.
            CommitTimeout, CommitFailed: the packages were not removed; the client may retry.
        """
        self.check_changeable()
        for channel, repository in self.targets.items():
            if repository is None:
                raise Http404(f"there is no channel {channel}")
            remove(repository, selection, dispatch_commit)


class NowhereView(NativeView):
    """Answers 404 for URLs of the registry that no other view matches."""

    def initial(self, *_: Any, **__: Any) -> None:
        """Refuse every request.

        Raises:
            Http404: always.
        """
        raise Http404("no owner, channel or file can have this URL")


def wants(request: Request, option: str) -> bool:
    """Tell whether the URL's query switches an option on."""
    value: str = request.query_params.get(option, "")
    return value.lower() in ("true", "1", "yes")
