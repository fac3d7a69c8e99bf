"""What a client presents to say who it is, wherever it puts it."""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

_TOKEN_PREFIX = "pct-"  # noqa: S105 (tells people and secret scanners what they have found)
_TOKEN_BYTES = 24
# conda finds a token in a URL by letters, digits and dashes: nothing else may be in one.
_TOKEN = re.compile(rf"{_TOKEN_PREFIX}[0-9a-f]{{{2 * _TOKEN_BYTES}}}")
_JWT = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")
# As user name and password of one another, where a client has room for a token only.
_NO_PASSWORD = ("", "x-oauth-basic")


def new_token() -> str:
    """Return a new access token: 192 bits that nobody can guess, so a plain digest keeps it."""
    return _TOKEN_PREFIX + secrets.token_hex(_TOKEN_BYTES)


def is_token(text: str) -> bool:
    """Tell whether a text has the form of our access tokens."""
    return _TOKEN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token as it was presented."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Password:
    """A user's name and password as they were presented."""

    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """A workload's identity, which pulpcore's own authentication judges."""

    jwt: str = field(repr=False)


def credentials_of(
    headers: Mapping[str, str], path_token: str | None = None
) -> Token | Password | Identity | None:
    """Return what a request presents; None if that is nothing, or of no kind that is known here.

    A token may stand in `Authorization` as Bearer, as `token` or as Basic's password (with any
    user name) or user name (without a password), in `X-API-Key`, and in the URL. Whatever claims
    to be one of our tokens without having their form is returned all the same, to be refused.
    """
    if path_token and not is_token(path_token):
        return Token(path_token)  # no channel is called "t": whatever else is sent, it is refused
    if authorization := headers.get("Authorization", "").split(maxsplit=1):
        return _of_authorization(authorization[0].lower(), "".join(authorization[1:]).strip())
    if key := headers.get("X-API-Key"):
        return Token(key)
    return Token(path_token) if path_token else None


def _of_authorization(scheme: str, value: str) -> Token | Password | Identity | None:
    if scheme == "basic":
        return _of_basic(value)
    if scheme == "bearer" and _JWT.fullmatch(value):
        return Identity(value)
    return Token(value) if scheme in ("token", "bearer") else None


def _of_basic(value: str) -> Token | Password | Identity | None:
    try:
        username, separator, password = _text(base64.b64decode(value)).partition(":")
    except ValueError:  # no base64
        return None
    if not separator:
        return None
    if is_token(password):
        return Token(password)
    if is_token(username) and password in _NO_PASSWORD:
        return Token(username)
    return Identity(password) if _JWT.fullmatch(password) else Password(username, password)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")  # as DRF reads it
