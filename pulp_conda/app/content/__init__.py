"""What the content app serves besides pulpcore's own URLs: the registry's read side.

pulpcore imports this module when the content app starts.
"""

from django.conf import settings
from pulpcore.plugin.content import app

from .registry import RegistryHandler

_OWNER = "pulp_domain" if settings.DOMAIN_ENABLED else "owner"

app.router.add_get(
    f"/api/packages/{{{_OWNER}}}/conda/{{path:.+}}", RegistryHandler().stream_registry
)
