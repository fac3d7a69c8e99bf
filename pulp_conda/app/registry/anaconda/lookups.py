"""Look-up and removal of packages, releases and files.

Packages and releases exist because files were uploaded. So a request to create one is answered
with success and changes nothing. Its body (summary, licence, links) is ignored, since these come
from the package itself.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.channels.reading.channel_packages import is_public
from pulp_conda.app.models import ChannelName, CondaPackage
from pulp_conda.formats.version_order import version_ranks

from .failures import Ambiguous
from .views import LoginView, label_of

_PackagesByChannel = Mapping[ChannelName, list[CondaPackage]]


class LookupView(LoginView):
    """Answers the look-ups, announcements and removals that clients send around an upload."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [
            allow(["package", "release", "distribution"], principal="*"),
            allow(["announce"]),
            allow(["remove", "remove_distribution"], "may_remove"),
        ]
    }

    def channel_of(self, **kwargs: Any) -> ChannelName:
        """Return the login's channel; for a removal, the channel that has the packages.

        Raises:
            Http404: no channel has them.
            Ambiguous: several channels have them, and the login names no channel.
        """
        if not self.action.startswith("remove"):
            return super().channel_of(**kwargs)
        channels = list(self._found())
        if len(channels) > 1:
            raise Ambiguous(channels)
        return channels[0]

    def package(self, _: Request, name: str, **__: Any) -> Response:
        """List a package's files in all of the login's channels; 404 if there are none."""
        found = self._found()
        packages = _newest_first(found)
        return Response(
            {
                "name": name,
                "owner": {"login": self.owner},
                "summary": next(filter(None, map(_summary, packages)), ""),
                "public": is_public(found),
                "package_types": ["conda"],
                "releases": [
                    {"version": version} for version in dict.fromkeys(p.version for p in packages)
                ],
                "files": _files(found),
            }
        )

    def release(self, _: Request, version: str, **__: Any) -> Response:
        """List a version's files in all of the login's channels; 404 if there are none."""
        found = self._found()
        description = next(filter(None, map(_summary, _newest_first(found))), "")
        return Response(
            {
                "version": version,
                "distributions": _files(found),
                "public_attrs": {"description": description},
            }
        )

    def distribution(self, _: Request, **__: Any) -> Response:
        """Describe a file; 404 if none of the login's channels has it."""
        return Response(_files(self._found())[0])

    def announce(self, _: Request, **__: Any) -> Response:
        """Answer the creation of a package or a release, which changes nothing."""
        return Response({})

    def remove(self, _: Request, **__: Any) -> Response:
        """Remove all files of a package or a release; the client expects 201."""
        self.withdraw(**self._selection)
        return Response({}, status=201)

    def remove_distribution(self, _: Request, **__: Any) -> Response:
        """Remove a file; `anaconda upload --force` does so first."""
        self.withdraw(**self._selection)
        return Response({})

    @property
    def _selection(self) -> dict[str, str]:
        """The fields of the packages that the URL names."""
        parts = self.kwargs
        if "file" in parts:
            return {"subdir": parts["subdir"], "filename": parts["file"]}
        return {field: parts[field] for field in ("name", "version") if field in parts}

    def _found(self) -> _PackagesByChannel:
        found = self.find_packages(**self._selection)
        if not found:
            wanted = "/".join(self._selection.values())
            raise Http404(f"{self.owner} has no {wanted} that you may see")
        return found


def _files(found: _PackagesByChannel) -> list[dict[str, Any]]:
    return [
        _described(package, (name for name, group in found.items() if package in group))
        for package in _newest_first(found)
    ]


def _newest_first(found: _PackagesByChannel) -> list[CondaPackage]:
    packages = list({package.pk: package for group in found.values() for package in group}.values())
    ranks = version_ranks({package.version for package in packages})
    packages.sort(key=lambda package: package.relative_path)
    packages.sort(key=lambda each: (ranks[each.version], each.build_number), reverse=True)
    return packages


def _summary(package: CondaPackage) -> str:
    """Return the summary of a package, or its description, in one line."""
    summary = package.about.get("summary") or package.about.get("description") or ""
    return " ".join(summary if isinstance(summary, list) else summary.split())


def _described(package: CondaPackage, channels: Iterable[ChannelName]) -> dict[str, Any]:
    return {
        "basename": package.relative_path,
        "distribution_type": "conda",
        "version": package.version,
        "sha256": package.sha256,
        "md5": package.md5,
        "size": package.size,
        "description": _summary(package),
        "attrs": {
            "name": package.name,
            "version": package.version,
            "build": package.build,
            "build_number": package.build_number,
            "subdir": package.subdir,
            "license": package.license or package.about.get("license", ""),
            "timestamp": package.timestamp,
        },
        "labels": [label_of(channel) for channel in channels],
    }
