"""Password checks in the content app, in threads of their own beside the database's thread."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aiohttp.web import HTTPTooManyRequests
from django.db import connection

from pulp_conda.app.authentication.credentials import Password
from pulp_conda.app.authentication.hashing import RETRY_AFTER_SECONDS, SLOTS, TooManyChecks
from pulp_conda.app.authentication.identity import Unchecked, WrongCredentials, check, recognise
from pulp_conda.app.models import Requester

from .database import ask, with_database

_REFUSAL_SECONDS = 0.5
"""Delay before a refusal that needed no hash. Without it, clients that retry at once would keep
the processors busy with refusals."""


class _Checker:
    """One thread that checks passwords, with a bounded queue."""

    def __init__(self, name: str, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"conda-passwords-{name}")

    async def check(self, unchecked: Unchecked) -> Requester:
        """Return the user whose password this is.

        Raises:
            WrongCredentials: the name or the password is wrong.
            TooManyChecks: the queue is full, or the wait took too long.
        """
        if self._waiting >= self._max_waiting:
            raise TooManyChecks
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._pool.submit(_check, unchecked))
        finally:
            self._waiting -= 1


_guesses = _Checker("guesses", 16)
_trusted = _Checker("trusted", 256)
"""Checks `Unchecked.trusted` passwords, so that they do not wait behind guesses."""

SLOTS.patient = True


async def identified(password: Password) -> Requester:
    """Return the user whose password this is.

    Raises:
        WrongCredentials: the name or the password is wrong.
        HTTPTooManyRequests: too many passwords are being checked.
    """
    try:
        known = await ask(recognise, password)
    except WrongCredentials:
        await asyncio.sleep(_REFUSAL_SECONDS)
        raise
    if isinstance(known, Requester):
        return known
    try:
        return await (_trusted if known.trusted else _guesses).check(known)
    except TooManyChecks as error:
        await asyncio.sleep(_REFUSAL_SECONDS)
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        raise HTTPTooManyRequests(text=f"{error.detail}\n", headers=headers) from error


def _check(unchecked: Unchecked) -> Requester:
    try:
        return with_database(check, unchecked)
    finally:
        connection.close()
