"""Base view of all dialects: the target channels, the rights to them, and their changes."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from django.http import Http404
from pulpcore.plugin.files import PulpTemporaryUploadedFile
from pulpcore.plugin.util import get_domain
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from pulp_conda.app.authentication.drf import CondaAuthentication
from pulp_conda.app.channels.changes.remove import remove
from pulp_conda.app.channels.changes.upload import PackageExists, add, check_free, new_upload
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
from pulp_conda.app.models.access_facts import Asked
from pulp_conda.app.tasks import dispatch_commit
from pulp_conda.formats.errors import InvalidIdentifier
from pulp_conda.formats.identifiers import Extension, check_owner

from .bodies import UploadBody
from .native import NativeView

_STORING = ("PUT", "POST")


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
        name = check_owner(self.kwargs["owner"])
        return (self.facts.namespace or CondaOwner.objects.namespace(name)).name

    def channel_part(self, **kwargs: Any) -> str | None:
        """Return the part of the URL that names the channel, None for the default channel."""
        return kwargs.get("channel")

    def channel_of(self, **kwargs: Any) -> ChannelName:
        """Return the channel that the URL names, or the owner's default channel.

        Raises:
            InvalidIdentifier: the name is not valid for a channel.
        """
        return channel_named(self.owner, self.channel_part(**kwargs))

    def asked(self) -> Asked:
        """Return what has to be known, with the channel if the URL is valid.

        Others are refused when the requester is known.
        """
        asked = super().asked()
        with suppress(InvalidIdentifier, Http404, APIException):
            asked = asked._replace(owner=check_owner(self.kwargs["owner"]))
            channel = channel_named(str(asked.owner), self.channel_part(**self.kwargs))
            asked = asked._replace(channel=channel.name)
        return asked

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
        token = token if isinstance(token, AccessToken) else None
        return self.facts.requester(self.request.user, token)

    @property
    def channels(self) -> Sequence[ChannelName]:
        """The target channels: an upload is added to them, or packages are removed from them."""
        return [self.channel]

    @cached_property
    def distributions(self) -> Mapping[ChannelName, CondaDistribution | None]:
        """The distribution of each target channel; None if the channel does not exist."""
        return {
            channel: self.facts.distribution
            if channel == self.facts.channel
            else find_distribution(channel)
            for channel in self.channels
        }

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
                self._refuse_held(package, file)
            for channel, existing in self.targets.items():
                repository = existing or find_or_create_repository(channel)
                upload = new_upload(repository, replace=self.replaces)
                save(package, file, upload=upload)
                add(upload, package, dispatch_commit)
                if not repository.autopublish:
                    self.unpublished.append(channel)
        return package

    def _refuse_held(self, package: CondaPackage, file: PulpTemporaryUploadedFile) -> None:
        try:
            for repository in filter(None, self.targets.values()):
                check_free(repository, package)
        except PackageExists as refusal:
            if refusal.has_same_bytes:
                save(package, file)  # the stored file may be damaged or lost
            raise

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


def wants(request: Request, option: str) -> bool:
    """Tell whether the URL's query switches an option on."""
    value: str = request.query_params.get(option, "")
    return value.lower() in ("true", "1", "yes")
