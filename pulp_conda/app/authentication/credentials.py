"""The credentials of a request, in every place where clients send them."""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

_TOKEN_PREFIX = "pct-"  # noqa: S105 (lets people and secret scanners recognise a token)
_TOKEN_BYTES = 24
# conda recognises a token in a URL only if it consists of letters, digits and dashes.
_TOKEN = re.compile(rf"{_TOKEN_PREFIX}[0-9a-f]{{{2 * _TOKEN_BYTES}}}")
_JWT = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")
# The passwords of clients that send a token as the user name.
_NO_PASSWORD = ("", "x-oauth-basic")


def new_token() -> str:
    """Return a new access token of 192 random bits, for which a plain digest is safe to store."""
    return _TOKEN_PREFIX + secrets.token_hex(_TOKEN_BYTES)


def is_token(text: str) -> bool:
    """Tell whether a text has the form of an access token of this server."""
    return _TOKEN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token that a client sent; it may be invalid."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Password:
    """A user name and a password that a client sent."""

    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity token of a CI job, which pulpcore's own authentication verifies."""

    jwt: str = field(repr=False)


def credentials_of(
    headers: Mapping[str, str], path_token: str | None = None
) -> Token | Password | Identity | None:
    """Return the credentials of a request, None if it has none of these kinds.

    A token may be sent in `Authorization` (as Bearer, as `token`, as Basic's password with any
    user name, or as Basic's user name without a password), in `X-API-Key`, and in the URL. A text
    in a token's place that lacks the form of a token is returned as a `Token`, to be refused.
    """
    if path_token and not is_token(path_token):
        return Token(path_token)  # refused, since no channel is called "t"
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
    except ValueError:  # not base64
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
