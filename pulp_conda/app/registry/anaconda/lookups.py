"""Packages, releases and files: whether there are any, and away with them.

All three exist by what was uploaded. So making one says yes and changes nothing, and what is sent
along (summary, licence, links) is not even read: it comes out of the package.
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

_Held = Mapping[ChannelName, list[CondaPackage]]


class LookupView(LoginView):
    """What clients ask for, announce and remove around the upload of a file."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [
            allow(["package", "release", "distribution"], principal="*"),
            allow(["announce"]),
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
        held = self._held()
        packages = _newest_first(held)
        return Response(
            {
                "name": name,
                "owner": {"login": self.owner},
                "summary": next(filter(None, map(_summary, packages)), ""),
                "public": is_public(held),
                "package_types": ["conda"],
                "releases": [
                    {"version": version} for version in dict.fromkeys(p.version for p in packages)
                ],
                "files": _files(held),
            }
        )

    def release(self, _: Request, version: str, **__: Any) -> Response:
        """List a version's files in all of the login's channels; 404 if there are none."""
        held = self._held()
        description = next(filter(None, map(_summary, _newest_first(held))), "")
        return Response(
            {
                "version": version,
                "distributions": _files(held),
                "public_attrs": {"description": description},
            }
        )

    def distribution(self, _: Request, **__: Any) -> Response:
        """Describe a file; 404 if none of the login's channels has it."""
        return Response(_files(self._held())[0])

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

    def _held(self) -> _Held:
        held = self.held(**self._selection)
        if not held:
            wanted = "/".join(self._selection.values())
            raise Http404(f"{self.owner} has no {wanted} that you may see")
        return held


def _files(held: _Held) -> list[dict[str, Any]]:
    return [
        _described(package, (name for name, group in held.items() if package in group))
        for package in _newest_first(held)
    ]


def _newest_first(held: _Held) -> list[CondaPackage]:
    packages = list({package.pk: package for group in held.values() for package in group}.values())
    ranks = version_ranks({package.version for package in packages})
    packages.sort(key=lambda package: package.relative_path)
    packages.sort(key=lambda each: (ranks[each.version], each.build_number), reverse=True)
    return packages


def _summary(package: CondaPackage) -> str:
    """Return what a package says it is, in a line."""
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
