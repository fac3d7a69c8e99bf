"""Forgejo's and Gitea's API for packages of any type, restricted to conda packages."""

import hashlib
from collections.abc import Mapping
from datetime import UTC
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from django.http import Http404
from rest_framework.exceptions import MethodNotAllowed, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.channels.reading.releases import (
    Release,
    ServedChannel,
    releases_of,
    search,
    served_channel,
    served_channels,
)
from pulp_conda.app.models import ChannelName, CondaPackage, channel_named

from .paths import GenericPath, parse_generic_path
from .views import RegistryView, wants

_TYPES = ("", "all", "conda")
DEFAULT_LIMIT, MAX_LIMIT = 30, 50


class _GenericView(RegistryView):
    def page_of(self, releases: list[Release], total: int) -> Response:
        """Return a page of releases, with headers for their total and the neighbouring pages."""
        page, limit = _paging(self.request.query_params)
        headers = {
            "X-Total-Count": str(total),
            "Access-Control-Expose-Headers": "Link, X-Total-Count",
        }
        if links := _links(self.request, page, -(-total // limit)):
            headers["Link"] = links
        return Response([self.describe(release) for release in releases], headers=headers)

    def describe(self, release: Release) -> dict[str, Any]:
        """Return a release in the form of the API's `Package`."""
        name, version = release.displayed_name, release.version
        channel = release.channel.name
        page = f"/api/packages/{quote(channel.owner)}/conda/{quote(channel.name)}/"
        created = release.created.astimezone(UTC).isoformat(timespec="seconds")
        user = user_named(self.owner)
        return {
            "id": _number(self.owner, name, version),
            "owner": user,
            "repository": None,
            "creator": user,
            "type": "conda",
            "name": name,
            "version": version,
            "html_url": self.request.build_absolute_uri(
                f"{page}?{urlencode({'name': release.name})}"
            ),
            "created_at": created.replace("+00:00", "Z"),
        }


class PackageListView(_GenericView):
    """The releases in all channels of an owner."""

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["list"], principal="*")]}

    @classmethod
    def urlpattern(cls) -> str:
        """Return the name of this view's access policy."""
        return "conda/generic"

    def channel_of(self, **_: Any) -> ChannelName:
        """Check the owner's name; the channel itself does not matter."""
        return channel_named(self.owner, None)

    def list(self, request: Request, **_: Any) -> Response:
        """Return a page of the releases in all channels that the client may read.

        Raises:
            Http404: the owner does not exist, or the client may not know that it does.
        """
        channels = [
            channel
            for channel in served_channels(self.owner)
            if self.requester.may_read(channel.distribution)
        ]
        if not channels and not self.requester.may_know_of_owner(self.owner):
            # The name as requested: not everybody may know how the owner's name is written.
            raise Http404(f"there is no owner {self.kwargs['owner']}")
        if request.query_params.get("type", "").strip() not in _TYPES:
            return self.page_of([], 0)
        page, limit = _paging(request.query_params)
        text = request.query_params.get("q", "").strip()
        return self.page_of(*search(channels, text, offset=(page - 1) * limit, limit=limit))


class PackageReleaseView(_GenericView):
    """One version of a package in a channel, or all versions."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [
            allow(["retrieve"], "may_see", principal="*"),
            allow(["destroy"], "may_remove"),
        ]
    }

    @classmethod
    def urlpattern(cls) -> str:
        """Return the name of this view's access policy."""
        return "conda/generic/package"

    @property
    def allowed_methods(self) -> list[str]:
        """The methods of the URL: DELETE exists for packages and versions, not below them."""
        methods: list[str] = super().allowed_methods
        target = self._requested
        return [m for m in methods if m != "DELETE" or not (target and target.below)]

    @cached_property
    def _requested(self) -> GenericPath | None:
        # Django's own path is unquoted, and does not distinguish `dev%2Ffoo` from `dev/foo`.
        return parse_generic_path(self.request.META.get("RAW_URI", ""))

    @property
    def target(self) -> GenericPath:
        """The package, version or files that the URL names.

        Raises:
            Http404: the URL has another form.
        """
        if self._requested is None:
            raise Http404("a package is named by {name}/{version}, slashes within a name as %2F")
        return self._requested

    @cached_property
    def served(self) -> ServedChannel:
        """The channel that the URL names.

        Raises:
            Http404: the channel does not exist, or the client may not know that it does.
        """
        channel = served_channel(self.channel)
        if channel is None or self.requester.may_not_know_of(channel.distribution):
            raise Http404(f"the owner has no channel {self.channel.name}")
        return channel

    def channel_part(self, **_: Any) -> str | None:
        """Return the channel in the displayed name of the package."""
        return self.target.channel

    def retrieve(self, request: Request, **_: Any) -> Response:
        """Return a release, its files, or a page of the releases of one name."""
        target = self.target
        if target.version is None and not target.below:
            page, limit = _paging(request.query_params)
            offset = (page - 1) * limit
            found, total = releases_of(self.served, target.name, offset=offset, limit=limit)
            if not total:
                raise Http404(f"the channel has no package {target.name}")
            return self.page_of(found, total)
        found, _total = releases_of(self.served, target.name, target.version, offset=0, limit=1)
        if not found:
            version = f"version {target.version} of " if target.version else "package "
            raise Http404(f"the channel has no {version}{target.name}")
        if target.below == "files":
            return Response([_file(package) for package in found[0].files()])
        return Response(self.describe(found[0]))

    def destroy(self, request: Request, **_: Any) -> Response:
        """Remove all builds, subdirs and formats of a version.

        All versions are removed only with `all_versions`, so that a script that lost the version
        removes nothing.
        """
        target = self.target
        if target.below:
            raise MethodNotAllowed(str(request.method))
        selection = {"name": target.name}
        all_versions = wants(request, "all_versions")
        if target.version is not None:
            selection["version"] = target.version
            if all_versions:
                raise ParseError(f"the URL names version {target.version} and asks for all of them")
        elif not all_versions:
            raise Http404(f"no version of {target.name} is named; ?all_versions=true removes all")
        self.withdraw(**selection)
        return Response(status=204)


def _paging(parameters: Mapping[str, str]) -> tuple[int, int]:
    """Return the page number, from 1, and the page size, corrected as Forgejo does."""
    page, limit = (_int(parameters.get(name, "")) for name in ("page", "limit"))
    return max(page, 1), min(limit, MAX_LIMIT) if limit > 0 else DEFAULT_LIMIT


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0


def _links(request: Request, page: int, last: int) -> str:
    """Return the `Link` header with the neighbouring pages."""
    numbers: dict[str, int] = {}
    if page < last:
        numbers |= {"next": page + 1, "last": last}
    if page > 1 and last:
        numbers |= {"first": 1, "prev": min(page - 1, last)}
    links = []
    for relation, number in numbers.items():
        query = urlencode({**request.query_params.dict(), "page": number})
        links.append(f'<{request.build_absolute_uri(request.path)}?{query}>; rel="{relation}"')
    return ",".join(links)


def user_named(name: str) -> dict[str, Any]:
    """Return an owner in the form of the API's `User`, with or without an account here."""
    return {
        "id": _number(name),
        "login": name,
        "login_name": "",
        "full_name": "",
        "email": "",
        "avatar_url": "",
        "language": "",
        "is_admin": False,
        "restricted": False,
        "active": True,
        "prohibit_login": False,
        "location": "",
        "website": "",
        "description": "",
        "visibility": "public",
        "username": name,
    }


def _file(package: CondaPackage) -> dict[str, Any]:
    """Return a file in the form of the API's `PackageFile`, with its subdir added."""
    artifact = next(iter(package._artifacts.all()), None)
    return {
        "id": _number(str(package.pk)),
        # Forgejo has "Size", newer Gitea "size".
        "Size": package.size,
        "size": package.size,
        "name": package.filename,
        "subdir": package.subdir,
        "md5": package.md5,
        "sha1": package.sha1,
        "sha256": package.sha256,
        "sha512": (artifact and artifact.sha512) or "",
    }


def _number(*parts: str) -> int:
    """Return a stable number that stands for an id, of 48 bits so that JavaScript can hold it."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:6])
