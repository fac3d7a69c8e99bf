"""The routes of the native client APIs, at the root of the server.

Reading, the content app's work, is routed in `content`.
"""

from django.urls import path, re_path

from .registry.anaconda.urls import routes as anaconda_routes
from .registry.forgejo import PackageView
from .registry.oidc import MintView
from .registry.prefix import PrefixView
from .registry.quetz import QuetzView

_OWNER = r"(?P<owner>[^/]+)"
_CHANNEL = rf"{_OWNER}(?:/(?P<channel>.+))?"
_TOKEN = r"t/(?P<token>[^/]+)/"  # noqa: S105 (where one stands, not one itself)

_package = PackageView.as_view({"put": "upload"})

urlpatterns = [
    # conda puts the token behind the channel alias, other clients behind the host.
    re_path(rf"^api/packages/{_OWNER}/conda/{_TOKEN}(?P<path>.+)$", _package),
    re_path(rf"^(?:{_TOKEN})?api/packages/{_OWNER}/conda/(?P<path>.+)$", _package),
    re_path(
        rf"^api/channels/{_CHANNEL}/upload/(?P<file>[^/]+)$", QuetzView.as_view({"post": "upload"})
    ),
    re_path(rf"^api/v1/upload/{_CHANNEL}$", PrefixView.as_view({"post": "upload"})),
    *anaconda_routes(_OWNER, login=_CHANNEL),
    path("api/oidc/mint_token", MintView.as_view({"post": "mint"})),
]
