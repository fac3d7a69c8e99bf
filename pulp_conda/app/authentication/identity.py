"""From credentials to the one who asks."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import authenticate, get_user_model

from pulp_conda.app.models import AccessToken, Requester

from .credentials import Password, Token
from .hashing import MEMORY


class WrongCredentials(Exception):
    """The credentials are not, or no longer, those of anybody."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A password of which nothing is remembered, and what to remember the outcome by."""

    password: Password
    subject: str
    trusted: bool
    """Whether it goes before guesses; that of nobody never does."""


def identify(credentials: Token | Password) -> Requester:
    """Return whose credentials these are.

    Raises:
        WrongCredentials: nobody's, or those of a user who is not active.
        TooManyChecks: a password would have to be checked, and too many are.
    """
    known = recognise(credentials)
    return known if isinstance(known, Requester) else check(known)


def recognise(credentials: Token | Password) -> Requester | Unchecked:
    """Return whose credentials these are, as far as that takes no time.

    Raises:
        WrongCredentials: nobody's, or those of a user who is not active.
    """
    if isinstance(credentials, Token):
        return _by_token(credentials.secret)
    name, secret = credentials.username, credentials.secret
    if "\0" in name:  # which PostgreSQL cannot even look for
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
    """Return whose password this is; takes as long as Django's hash, or another directory.

    Raises:
        WrongCredentials: nobody's, or that of a user who is not active.
        TooManyChecks: too many are being checked.
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
    token.note_use()
    return Requester(token.principal, token)


def _subject(user: Any) -> str:
    return f"{user.pk} {user.password}"


def _wrong_password() -> WrongCredentials:
    return WrongCredentials("the user name or the password is wrong")
