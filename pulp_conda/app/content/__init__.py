"""What the content app serves besides pulpcore's own URLs: the registry's read side.

pulpcore imports this module when the content app starts.
"""

from functools import partial

from django.conf import settings
from pulpcore.plugin.content import app

from pulp_conda.app.models.distribution import generators
from pulp_conda.formats import layout

from .authentication import authenticate
from .generated import GeneratedResponse
from .notices import notices
from .page import page
from .registry import RegistryHandler, TokenHandler

_NAME = "{pulp_domain:[^/\0]+}"  # PostgreSQL refuses to look for a domain with NUL in its name
_DOMAIN = f"{_NAME}/" if settings.DOMAIN_ENABLED else ""
_OWNER = _NAME if settings.DOMAIN_ENABLED else "{owner}"
_PACKAGES = f"/api/packages/{_OWNER}/conda"
_CONTENT = f"{settings.CONTENT_PATH_PREFIX}{_DOMAIN}"

_registry = RegistryHandler().stream_registry
_content = TokenHandler().stream_channel

for path, handler in (
    # conda puts the token behind the channel alias, other clients behind the host.
    (f"{_PACKAGES}/t/{{token}}{{path:(?:/.*)?}}", _registry),
    (f"/t/{{token}}{_PACKAGES}{{path:(?:/.*)?}}", _registry),
    (f"{_PACKAGES}{{path:(?:/.*)?}}", _registry),
    (f"{_CONTENT}t/{{token:pct-[^/]+}}/{{path:.+}}", _content),
    (f"/t/{{token}}{_CONTENT}{{path:.+}}", _content),
):
    app.router.add_get(path, handler)

generators[layout.NOTICES] = partial(GeneratedResponse, notices)
generators.update(dict.fromkeys(layout.PAGES, partial(GeneratedResponse, page)))

# In front of pulpcore's own, which would check a password anew with every request.
app.middlewares.insert(0, authenticate)
