"""URLs as the reader of an answer sees them, without credentials."""

import re
from urllib.parse import quote

from aiohttp.web import Request
from django.conf import settings
from yarl import URL

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def without_token(request: Request) -> URL:
    """Return the path and query of a request, without a token in the path."""
    url = request.rel_url
    if token := request.match_info.get("token"):
        path = url.raw_path.replace(f"/t/{quote(token)}/", "/", 1)
        url = URL(path, encoded=True).with_query(url.query)
    return url


def address_of(request: Request) -> str:
    """Return the URL of the requested folder, without a slash at its end."""
    folder, _, _ = without_token(request).raw_path.rpartition("/")
    return f"{_origin(request)}{folder}"


def _origin(request: Request) -> str:
    """Return the origin in the settings, or else the one in the request.

    `X-Forwarded-Host` is ignored: a cache does not distinguish answers by it, and would give one
    reader the answer made for the host of another.
    """
    if settings.CONTENT_ORIGIN:
        origin: str = settings.CONTENT_ORIGIN.rstrip("/")
        return origin
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
    host = request.headers.get("Host", "")
    return f"{'https' if scheme == 'https' else 'http'}://{host if _HOST.fullmatch(host) else ''}"
