"""Packages, releases and files: whether there are any.

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

from .views import LoginView, label_of


class LookupView(LoginView):
    """What clients ask for, and announce, before they upload a file."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [allow(["package", "release", "distribution", "announce"])]
    }

    def package(self, _: Request, name: str, **__: Any) -> Response:
        """List a package's files in all of the login's channels; 404 if there are none."""
        files = self._files(name=name)
        return Response({"name": name, "package_types": ["conda"], "files": files})

    def release(self, _: Request, name: str, version: str, **__: Any) -> Response:
        """List a version's files in all of the login's channels; 404 if there are none."""
        files = self._files(name=name, version=version)
        return Response({"version": version, "distributions": files})

    def distribution(self, _: Request, subdir: str, file: str, **__: Any) -> Response:
        """Describe a file; 404 if none of the login's channels has it."""
        return Response(self._files(subdir=subdir, filename=file)[0])

    def announce(self, _: Request, **__: Any) -> Response:
        """Take note of a package or a release."""
        return Response({})

    def _files(self, **fields: str) -> list[dict[str, Any]]:
        held = self.held(**fields)
        if not held:
            wanted = " ".join(fields.values())
            raise Http404(f"{self.channel.owner} has no {wanted} that you may see")
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
