"""The routes of the native client APIs, at the root of the server.

The content app serves reads; its routes are in `content`.
"""

from django.urls import path, re_path

from .core.references import check_references
from .core.version_scoping import scope_repository_versions
from .registry.anaconda.urls import routes as anaconda_routes
from .registry.forgejo import PackageView
from .registry.generic import PackageListView, PackageReleaseView
from .registry.instance import InstanceView
from .registry.native import NowhereView
from .registry.oidc import MintView
from .registry.prefix import PrefixView
from .registry.quetz import QuetzView
from .registry.uploads import UploadCheckView

scope_repository_versions()
check_references()

_OWNER = r"(?P<owner>[^/\0]+)"  # PostgreSQL refuses text with NUL
_CHANNEL = rf"{_OWNER}(?:/(?P<channel>[\s\S]+))?"
_TOKEN = r"t/(?P<token>[^/]+)/"  # noqa: S105 (a pattern, not a secret)

_PATH = r"(?P<path>[\s\S]+)\Z"  # including newlines, so that our view answers every request

_package = PackageView.as_view({"put": "upload", "delete": "remove"})
_packages = PackageListView.as_view({"get": "list"})
_release = PackageReleaseView.as_view({"get": "retrieve", "delete": "destroy"})
_quetz = QuetzView.as_view({"post": "upload"})
_prefix = PrefixView.as_view({"post": "upload"})
_nowhere = NowhereView.as_view({"get": "options"})

urlpatterns = [
    # conda puts the token after the channel alias, other clients put it after the host.
    re_path(rf"^api/packages/{_OWNER}/conda/{_TOKEN}{_PATH}", _package),
    re_path(rf"^(?:{_TOKEN})?api/packages/{_OWNER}/conda/{_PATH}", _package),
    path("api/v1/version", InstanceView.as_view({"get": "version"})),
    path("api/v1/settings/api", InstanceView.as_view({"get": "limits"})),
    path("api/v1/user", InstanceView.as_view({"get": "user"})),
    re_path(rf"^api/v1/packages/{_OWNER}/?\Z", _packages),
    re_path(rf"^api/v1/packages/{_OWNER}/conda/{_PATH}", _release),
    re_path(rf"^api/channels/{_CHANNEL}/upload/(?P<file>[^/]+)\Z", _quetz),
    re_path(rf"^api/v1/upload/{_CHANNEL}\Z", _prefix),
    *anaconda_routes(_OWNER, login=_CHANNEL),
    re_path(r"^(?:t/[^/]+/)?api/(?:v1/)?packages(?:/|\Z)", _nowhere),
    path("api/conda/upload_check", UploadCheckView.as_view({"get": "check"})),
    path("api/oidc/mint_token", MintView.as_view({"post": "mint"})),
]
