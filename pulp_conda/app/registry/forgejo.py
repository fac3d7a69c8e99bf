"""The Forgejo and Gitea registry: `PUT /api/packages/{owner}/conda/[{channel}/]{file}`."""

from typing import Any

from django.http import Http404
from pulpcore.plugin.util import get_domain
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.channels.channel import channel_named, find_or_create_repository
from pulp_conda.app.channels.commit import commit
from pulp_conda.app.channels.ingest import ingest, received
from pulp_conda.app.tasks import dispatch_commit
from pulp_conda.formats.errors import InvalidIdentifier
from pulp_conda.formats.identifiers import extension_of

from .paths import UploadPath, parse_upload_path
from .views import RegistryView


class PackageView(RegistryView):
    """Packages as Forgejo's users know them."""

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["upload"], "may_upload")]}

    path: UploadPath

    @classmethod
    def urlpattern(cls) -> str:
        """Name this view among the access policies."""
        return "conda/registry"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Read the URL, then let DRF authenticate and authorise: all before the body is read."""
        owner = kwargs.get("owner") or get_domain().name
        self.path = parse_upload_path(kwargs["path"])
        try:
            self.channel = channel_named(owner, self.path.channel)
        except InvalidIdentifier as error:
            self.perform_authentication(request)
            raise Http404(str(error)) from error
        super().initial(request, *args, **kwargs)

    def upload(self, request: Request, path: str, owner: str | None = None) -> Response:
        """Take the body as a package; 201 once clients of the channel can install it.

        The stored name and the subdir come from the package. The URL decides on the channel and
        the format alone.
        """
        assert self.channel is not None  # noqa: S101 (set by initial())
        extension = extension_of(self.path.filename)
        if extension is None:
            raise Http404("a package's name ends in .conda or .tar.bz2")
        length = request.META.get("CONTENT_LENGTH")
        declared_size = int(length) if length else None
        # Not request.data: Django takes a chunked body for an empty one.
        with received(request.META["wsgi.input"], declared_size) as file:
            package = ingest(file, extension, claimed_subdir=self.path.subdir)
        commit(find_or_create_repository(self.channel), package, dispatch_commit)
        return Response(status=201)
