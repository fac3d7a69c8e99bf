"""What the content app serves besides pulpcore's own URLs: channels, wherever clients find them.

pulpcore imports this module when the content app starts, before it adds its own routes.
"""

from django.conf import settings
from pulpcore.plugin.content import app

from pulp_conda.app.core.serving import replace_authentication
from pulp_conda.formats import layout

from .authentication import authenticate, authenticate_for_others
from .channel_list import list_channels
from .channel_page import page
from .failures import reasoned
from .handlers import stream_channel, stream_content, stream_registry
from .notices import notices
from .rendered import PAGES

_NAME = "{pulp_domain:[^/\0]+}"  # PostgreSQL refuses to look for a domain with NUL in its name
_DOMAIN = f"{_NAME}/" if settings.DOMAIN_ENABLED else ""
_OWNER = _NAME if settings.DOMAIN_ENABLED else "{owner}"
_PACKAGES = f"/api/packages/{_OWNER}/conda"
_CONTENT = f"{settings.CONTENT_PATH_PREFIX}{_DOMAIN}"

for path, handler in (
    ("/", list_channels),
    # conda puts the token behind the channel alias, other clients behind the host.
    (f"{_PACKAGES}/t/{{token}}/{{path:.*}}", stream_registry),
    (f"/t/{{token}}{_PACKAGES}/{{path:.*}}", stream_registry),
    (f"/t/{{token}}{_PACKAGES}", stream_registry),
    (f"{_PACKAGES}/{{path:.*}}", stream_registry),
    (_PACKAGES, stream_registry),
    (f"{_CONTENT}t/{{token:pct-[^/]+}}/{{path:.+}}", stream_channel),
    (f"/t/{{token}}{_CONTENT}{{path:.+}}", stream_channel),
    (f"{_CONTENT}{{path:.+}}", stream_content),
):
    app.router.add_get(path, handler)

PAGES[layout.NOTICES] = notices
PAGES[layout.INDEX_HTML] = page

replace_authentication(app, authenticate_for_others)
# In front of pulpcore's own, which would check a password anew with every request.
app.middlewares.insert(0, authenticate)
app.middlewares.insert(0, reasoned)
