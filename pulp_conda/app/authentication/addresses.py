"""Where the reader of an answer is, as he knows it himself."""

import re
from urllib.parse import quote

from aiohttp.web import Request
from django.conf import settings
from yarl import URL

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def without_token(request: Request) -> URL:
    """Return path and query of a request without the token that its path may hold."""
    url = request.rel_url
    if token := request.match_info.get("token"):
        path = url.raw_path.replace(f"/t/{quote(token)}/", "/", 1)
        url = URL(path, encoded=True).with_query(url.query)
    return url


def address_of(request: Request) -> str:
    """Return the URL of the folder that was asked for, without a slash at its end."""
    folder, _, _ = without_token(request).raw_path.rpartition("/")
    return f"{_origin(request)}{folder}"


def _origin(request: Request) -> str:
    """Return the origin that the deployment names, or else the one that the request names.

    A forwarded host is not believed: caches between us and the reader do not tell by it whose
    answer is whose.
    """
    if settings.CONTENT_ORIGIN:
        origin: str = settings.CONTENT_ORIGIN.rstrip("/")
        return origin
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
    host = request.headers.get("Host", "")
    return f"{'https' if scheme == 'https' else 'http'}://{host if _HOST.fullmatch(host) else ''}"
