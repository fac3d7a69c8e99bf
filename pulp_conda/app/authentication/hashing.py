"""Password hashes: few at once on a machine, and none twice in a short while.

Django's hash takes a third of a second of a processor. Without a bound, whoever sends wrong
passwords has all processors of the server. The bound is here, below everything that checks a
password: the registry, the content app and Pulp's REST API alike.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import BadRequest
from django.utils.crypto import constant_time_compare
from rest_framework.exceptions import Throttled

from .passwords import PasswordMemory
from .slots import NoSlot, Slots

RETRY_AFTER_SECONDS = 5

MEMORY = PasswordMemory(settings.CONDA_PASSWORD_MEMORY_SECONDS)
SLOTS = Slots(Path(settings.WORKING_DIRECTORY), max(1, (os.cpu_count() or 1) // 2))
user_login_failed.connect(SLOTS.note_refusal, dispatch_uid="conda.refusals")


class TooManyChecks(Throttled, BadRequest):
    """The server checks as many passwords as it may; 429 in DRF's views, 400 in Django's own."""

    def __init__(self) -> None:
        super().__init__(
            RETRY_AFTER_SECONDS, "Too many passwords are being checked; an access token needs none."
        )


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's default hasher, which remembers outcomes and takes a slot to find them.

    It is the first of the setting PASSWORD_HASHERS. Its hashes are those of its parent: they
    stay good without it.
    """

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether a hash is that of a password.

        Raises:
            TooManyChecks: it would have to be computed, and too many are already.
        """
        right = MEMORY.recall(encoded, password)
        if right is None:
            decoded = self.decode(encoded)
            with _slot(reserved=MEMORY.trusts(encoded, password)):
                found = super().encode(password, str(decoded["salt"]), int(decoded["iterations"]))
            right = constant_time_compare(encoded, found)
            MEMORY.note(encoded, password, right=right)
        return right

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return a password's hash; Django asks for one too where there is no such user.

        Raises:
            TooManyChecks: too many are being computed.
        """
        with _slot():
            encoded: str = super().encode(password, salt, iterations)
        return encoded


@contextmanager
def _slot(*, reserved: bool = False) -> Iterator[None]:
    try:
        with SLOTS.taken(reserved=reserved):
            yield
    except NoSlot as error:
        raise TooManyChecks from error
