"""From credentials to the one who asks."""

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model

from pulp_conda.app.models import AccessToken, Requester

from .credentials import Password, Token
from .passwords import PasswordMemory

_memory = PasswordMemory(settings.CONDA_PASSWORD_MEMORY_SECONDS)


class WrongCredentials(Exception):
    """The credentials are not, or no longer, those of anybody."""


def identify(credentials: Token | Password) -> Requester:
    """Return whose credentials these are.

    Raises:
        WrongCredentials: nobody's, or those of a user who is not active.
    """
    if isinstance(credentials, Token):
        return _by_token(credentials.secret)
    return Requester(_by_password(credentials))


def _by_token(secret: str) -> Requester:
    token = AccessToken.objects.find(secret)
    if token is None:
        raise WrongCredentials("the access token is unknown, revoked or expired")
    token.note_use()
    return Requester(token.principal, token)


def _by_password(credentials: Password) -> Any:
    wrong = WrongCredentials("the user name or the password is wrong")
    model = get_user_model()
    user = model.objects.filter(
        **{model.USERNAME_FIELD: credentials.username}, is_active=True
    ).first()
    if user is not None and _memory.knows(user, credentials.secret):
        return user
    user = authenticate(None, username=credentials.username, password=credentials.secret)
    if user is None or not user.is_active:
        raise wrong
    _memory.remember(user, credentials.secret)
    return user
