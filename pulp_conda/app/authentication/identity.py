"""Finds the requester (user and token) that credentials belong to."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import authenticate

from pulp_conda.app.models import Requester
from pulp_conda.app.models.access_facts import AccessFacts, Asked, Asker, facts_of
from pulp_conda.app.models.token import digest_of

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


def asker_of(credentials: object) -> Asker:
    """Return by what the user of credentials is found; nobody if they are of another kind."""
    if isinstance(credentials, Token):
        return Asker(digest=digest_of(credentials.secret))
    if isinstance(credentials, Password) and "\0" not in credentials.username:
        return Asker(username=credentials.username)
    return Asker()  # PostgreSQL refuses text with NUL


def recognise(
    credentials: Token | Password, facts: AccessFacts | None = None
) -> Requester | Unchecked:
    """Return the requester if no hash is needed to find them, else the unchecked password.

    `facts` are those of `asker_of(credentials)`, if they have been looked up.

    Raises:
        WrongCredentials: the credentials are wrong, or the user is not active.
    """
    facts = facts or facts_of(asker_of(credentials), Asked())
    if isinstance(credentials, Token):
        return _by_token(facts)
    name, secret, user = credentials.username, credentials.secret, facts.user
    subject = _subject(user) if user else f"nobody called {name}"
    right = MEMORY.recall(subject, secret)
    if right is None and "\0" not in name:
        trusted = user is not None and MEMORY.trusts(subject, secret)
        return Unchecked(credentials, subject, trusted)
    if user is None or not right:
        raise _wrong_password()
    return facts.requester(user)


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


def _by_token(facts: AccessFacts) -> Requester:
    token = facts.token
    if token is None:
        raise WrongCredentials("the access token is unknown, revoked or expired")
    token.record_use()
    return facts.requester(token.principal, token)


def _subject(user: Any) -> str:
    return f"{user.pk} {user.password}"


def _wrong_password() -> WrongCredentials:
    return WrongCredentials("the user name or the password is wrong")
