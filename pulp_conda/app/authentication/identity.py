"""Finds the requester (user and token) that credentials belong to."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import authenticate, get_user_model

from pulp_conda.app.models import AccessToken, Requester

from .credentials import Password, Token
from .hashing import MEMORY


class WrongCredentials(Exception):
    """The credentials are invalid, revoked or expired, or their user is not active."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A password whose result is not remembered, so that a hash is needed."""

    password: Password
    subject: str
    """The key of `PasswordMemory` under which to remember the result."""
    trusted: bool
    """Whether it is checked before guesses (`PasswordMemory.trusts`). False for unknown users."""


def identify(credentials: Token | Password) -> Requester:
    """Return the requester that the credentials belong to.

    Raises:
        WrongCredentials: the credentials are wrong, or the user is not active.
        TooManyChecks: the password needs a hash, and too many are being computed.
    """
    known = recognise(credentials)
    return known if isinstance(known, Requester) else check(known)


def recognise(credentials: Token | Password) -> Requester | Unchecked:
    """Return the requester if no hash is needed to find them, else the unchecked password.

    Raises:
        WrongCredentials: the credentials are wrong, or the user is not active.
    """
    if isinstance(credentials, Token):
        return _by_token(credentials.secret)
    name, secret = credentials.username, credentials.secret
    if "\0" in name:  # PostgreSQL refuses text with NUL
        raise _wrong_password()
    model = get_user_model()
    user = model.objects.filter(**{model.USERNAME_FIELD: name}, is_active=True).first()
    subject = _subject(user) if user else f"nobody called {name}"
    right = MEMORY.recall(subject, secret)
    if right is None:
        trusted = user is not None and MEMORY.trusts(subject, secret)
        return Unchecked(credentials, subject, trusted)
    if user is None or not right:
        raise _wrong_password()
    return Requester(user)


def check(unchecked: Unchecked) -> Requester:
    """Check a password by Django's authentication backends, which takes as long as they need.

    Raises:
        WrongCredentials: the password is wrong, or the user is not active.
        TooManyChecks: too many passwords are being checked.
    """
    name, secret = unchecked.password.username, unchecked.password.secret
    user = authenticate(None, username=name, password=secret)
    if user is None or not user.is_active:
        MEMORY.note(unchecked.subject, secret, right=False)
        raise _wrong_password()
    MEMORY.note(_subject(user), secret, right=True)
    return Requester(user)


def _by_token(secret: str) -> Requester:
    token = AccessToken.objects.find(secret)
    if token is None:
        raise WrongCredentials("the access token is unknown, revoked or expired")
    token.record_use()
    return Requester(token.principal, token)


def _subject(user: Any) -> str:
    return f"{user.pk} {user.password}"


def _wrong_password() -> WrongCredentials:
    return WrongCredentials("the user name or the password is wrong")
