"""Packages, releases and files: whether there are any, and away with them.

All three exist by what was uploaded. So making one says yes and changes nothing, and what is sent
along (summary, licence, links) is not even read: it comes out of the package.
"""

from collections.abc import Iterable
from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.models import ChannelName, CondaPackage

from .failures import Ambiguous
from .views import LoginView, label_of


class LookupView(LoginView):
    """What clients ask for, announce and remove around the upload of a file."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [
            allow(["package", "release", "distribution", "announce"]),
            allow(["remove", "remove_distribution"], "may_remove"),
        ]
    }

    def channel_of(self, **kwargs: Any) -> ChannelName:
        """Return the login's channel; if something is to be removed, the one that has it.

        Raises:
            Http404: none has it.
            Ambiguous: several have it, and the login does not say which is meant.
        """
        if not self.action.startswith("remove"):
            return super().channel_of(**kwargs)
        channels = list(self._held())
        if len(channels) > 1:
            raise Ambiguous(channels)
        return channels[0]

    def package(self, _: Request, name: str, **__: Any) -> Response:
        """List a package's files in all of the login's channels; 404 if there are none."""
        return Response({"name": name, "package_types": ["conda"], "files": self._files()})

    def release(self, _: Request, version: str, **__: Any) -> Response:
        """List a version's files in all of the login's channels; 404 if there are none."""
        return Response({"version": version, "distributions": self._files()})

    def distribution(self, _: Request, **__: Any) -> Response:
        """Describe a file; 404 if none of the login's channels has it."""
        return Response(self._files()[0])

    def announce(self, _: Request, **__: Any) -> Response:
        """Take note of a package or a release."""
        return Response({})

    def remove(self, _: Request, **__: Any) -> Response:
        """Remove all files of a package or a release; the client wants to be told 201."""
        self.withdraw(**self._selection)
        return Response({}, status=201)

    def remove_distribution(self, _: Request, **__: Any) -> Response:
        """Remove a file; what `--force` begins with."""
        self.withdraw(**self._selection)
        return Response({})

    @property
    def _selection(self) -> dict[str, str]:
        """What the URL names, as fields of packages."""
        named = self.kwargs
        if "file" in named:
            return {"subdir": named["subdir"], "filename": named["file"]}
        return {field: named[field] for field in ("name", "version") if field in named}

    def _held(self) -> dict[ChannelName, list[CondaPackage]]:
        held = self.held(**self._selection)
        if not held:
            wanted = "/".join(self._selection.values())
            raise Http404(f"{self.owner} has no {wanted} that you may see")
        return held

    def _files(self) -> list[dict[str, Any]]:
        held = self._held()
        packages = {package.pk: package for group in held.values() for package in group}
        return [
            _described(package, (name for name, group in held.items() if package in group))
            for package in packages.values()
        ]


def _described(package: CondaPackage, channels: Iterable[ChannelName]) -> dict[str, Any]:
    return {
        "basename": package.relative_path,
        "distribution_type": "conda",
        "version": package.version,
        "sha256": package.sha256,
        "md5": package.md5,
        "size": package.size,
        "labels": [label_of(channel) for channel in channels],
    }
