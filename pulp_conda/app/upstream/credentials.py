"""The credentials of a remote, and to which URLs they are sent."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Self

from multidict import CIMultiDict
from yarl import URL

from pulp_conda.app.models import API_KEY, BASIC, BEARER, PATH_TOKEN, CondaRemote

from .session import user_agent
from .urls import checked, names_secret, origin_of, shown, with_path_token

_SHORTEST_SECRET = 8
"""Shorter ones are not looked for in URLs, which may contain the same characters by chance."""

_OURS = frozenset(
    "accept-encoding connection content-length host if-match if-modified-since if-none-match "
    "if-range if-unmodified-since range te transfer-encoding upgrade".split()
)
"""Headers that decide how an answer is to be read. A remote cannot set them."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a remote sends to the origin of its own URL, and to no other."""

    origin: tuple[str, str | None, int | None]
    headers: CIMultiDict[str]
    """Credentials and the headers that the remote's administrator added."""
    path_token: str | None
    secrets: tuple[str, ...]

    @classmethod
    def of(cls, remote: CondaRemote) -> Self:
        """Return the credentials of a remote."""
        headers = CIMultiDict[str]()
        for further in remote.headers or ():
            headers.extend({name: further[name] for name in further if name.lower() not in _OURS})
        if product := headers.get("User-Agent"):
            headers["User-Agent"] = f"{user_agent()}, {product}"
        headers.update(_authorization(remote))
        secrets = (remote.token, remote.password)
        return cls(
            origin=origin_of(checked(remote.url)),
            headers=headers,
            path_token=remote.token if remote.auth == PATH_TOKEN else None,
            secrets=tuple(each for each in secrets if each and len(each) >= _SHORTEST_SECRET),
        )

    @property
    def need_tls(self) -> bool:
        """Whether the remote's own URL has TLS, so that nothing of it may come without."""
        return self.origin[0] == "https"

    def belong_to(self, url: URL) -> bool:
        """Return whether a URL has the origin that the credentials are for."""
        return origin_of(url) == self.origin

    def added_to(self, url: URL) -> URL:
        """Return a URL with the token in its path, if that is the remote's way."""
        if self.path_token and self.belong_to(url):
            return with_path_token(url, self.path_token)
        return url

    def leak_by(self, url: URL) -> bool:
        """Return whether a URL of another origin holds a secret of the remote."""
        if self.belong_to(url):
            return False
        return any(names_secret(url, secret) for secret in self.secrets)

    def shown(self, url: str | URL) -> str:
        """Return a URL as it may be stored and shown."""
        return shown(url, self.path_token)


def _authorization(remote: CondaRemote) -> dict[str, str]:
    if remote.auth == BASIC and remote.username:
        pair = f"{remote.username}:{remote.password or ''}".encode()
        return {"Authorization": f"Basic {b64encode(pair).decode()}"}
    if remote.auth == BEARER and remote.token:
        return {"Authorization": f"Bearer {remote.token}"}
    if remote.auth == API_KEY and remote.token:
        return {"X-API-Key": remote.token}
    return {}
