"""The routes of the native client APIs, at the root of the server.

Reading, the content app's work, is routed in `content`.
"""

from django.conf import settings
from django.urls import re_path

from .registry.forgejo import PackageView

# pulpcore's middleware takes `pulp_domain` out of the arguments and makes it the current domain.
_OWNER = "pulp_domain" if settings.DOMAIN_ENABLED else "owner"

urlpatterns = [
    re_path(
        rf"^api/packages/(?P<{_OWNER}>[^/]+)/conda/(?P<path>.+)$",
        PackageView.as_view({"put": "upload"}),
    ),
]
