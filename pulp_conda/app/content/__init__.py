"""Routes and middlewares that serve channels in the content app, beside pulpcore's own.

pulpcore imports this module when the content app starts, before it adds its own routes.
"""

from django.conf import settings
from pulpcore.plugin.content import app

from pulp_conda.app.core.serving import replace_authentication
from pulp_conda.formats import layout

from .authentication import authenticate, authenticate_for_others
from .channel_list import list_channels
from .channel_page import page
from .failures import explain_failures
from .fetch.upstreams import close_all
from .handlers import stream_channel, stream_content, stream_registry
from .notices import notices
from .rendered import PAGES

_NAME = "{pulp_domain:[^/\0]+}"  # PostgreSQL refuses text with NUL
_DOMAIN = f"{_NAME}/" if settings.DOMAIN_ENABLED else ""
_OWNER = _NAME if settings.DOMAIN_ENABLED else "{owner}"
_PACKAGES = f"/api/packages/{_OWNER}/conda"
_CONTENT = f"{settings.CONTENT_PATH_PREFIX}{_DOMAIN}"

for path, handler in (
    ("/", list_channels),
    # conda puts the token after the channel alias, other clients put it after the host.
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

app.on_cleanup.append(close_all)

replace_authentication(app, authenticate_for_others)
# Before pulpcore's own middleware, which would hash the password again for every request.
app.middlewares.insert(0, authenticate)
app.middlewares.insert(0, explain_failures)
