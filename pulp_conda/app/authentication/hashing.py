"""A limit on password hashes: few at a time on a machine, and none twice in a short while.

Django's hash takes a third of a second of processor time. Without a limit, a client that sends
wrong passwords occupies all processors of the server. The limit is in Django's hasher, so that
it holds for the registry, the content app and Pulp's REST API.
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
    """No more passwords may be checked now. Answered with 429 by DRF's views, 400 by Django's."""

    def __init__(self) -> None:
        super().__init__(
            RETRY_AFTER_SECONDS, "Too many passwords are being checked; an access token needs none."
        )


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's default hasher, with remembered results and a slot for each computation.

    It is the first entry of the setting PASSWORD_HASHERS. Its hashes are those of its parent, so
    they stay valid without this plugin.
    """

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether a hash is that of a password.

        Raises:
            TooManyChecks: the hash has to be computed, and too many are being computed.
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
        """Return a password's hash; Django computes one even if there is no such user.

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
