"""URLs of an upstream: what may be asked, and what is said about it.

A URL that is stored or shown has no user, no query and no token.
"""

import re
from urllib.parse import quote, unquote

from yarl import URL

from .errors import Forbidden

_SCHEMES = ("http", "https")
_PLAIN = re.compile(r"[!-~]*")
"""URLs with other characters are quoted."""


def checked(url: str | URL) -> URL:
    """Return a URL that may be asked, without its fragment.

    Raises:
        Forbidden: the URL cannot be read, is not HTTP, or has a user name or password.
    """
    try:
        # What an upstream has signed must be sent as it is.
        read = URL(url, encoded=_PLAIN.fullmatch(str(url)) is not None)
        host, port = read.host, read.port
    except ValueError:
        raise Forbidden("The upstream names a URL that cannot be read.") from None
    if read.scheme not in _SCHEMES or not host or not port:
        raise Forbidden("The upstream names a URL that does not begin with http:// or https://.")
    if read.user is not None or read.password is not None:
        raise Forbidden(f"The upstream names a URL at {host} with a user name or a password.")
    return read.with_fragment(None)


def origin_of(url: URL) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of a URL."""
    return url.scheme, url.host, url.port


def with_path_token(url: URL, token: str) -> URL:
    """Return a URL with `/t/TOKEN` at the beginning of its path, as on anaconda.org."""
    begin = f"/t/{quote(token, safe='')}"
    if url.raw_path == begin or url.raw_path.startswith(f"{begin}/"):
        return url
    return URL(f"{url.origin()}{begin}{url.raw_path_qs}", encoded=True)


def names_secret(url: URL, secret: str) -> bool:
    """Return whether a URL contains a secret, quoted in whatever way."""
    return secret in unquote(str(url)) or secret in str(url)


def shown(url: str | URL, token: str | None = None) -> str:
    """Return a URL as it may be stored and shown.

    It has no user name, password, query or fragment. `token` is the remote's, if its place is the
    path.
    """
    try:
        read = URL(url, encoded=True)
        plain = f"{read.origin()}{read.raw_path}"
    except ValueError:
        return "(a URL that cannot be read)"
    if token:
        plain = plain.replace(f"/t/{quote(token, safe='')}/", "/")
        if names_secret(URL(plain, encoded=True), token):
            return f"{read.origin()}/..."
    return plain
