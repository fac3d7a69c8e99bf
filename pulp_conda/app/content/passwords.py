"""Checking passwords in the content app: beside the thread of the database, one after another."""

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
"""How long a refusal that cost nothing is held back: clients that ask again and again at once
would otherwise keep the processors busy with refusals."""


class _Lane:
    """A thread that checks passwords, and how many wait for it."""

    def __init__(self, name: str, most: int) -> None:
        self._most = most
        self._waiting = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"conda-passwords-{name}")

    async def check(self, unchecked: Unchecked) -> Requester:
        """Return whose password this is.

        Raises:
            WrongCredentials: nobody's.
            TooManyChecks: too many wait already, or waited for too long.
        """
        if self._waiting >= self._most:
            raise TooManyChecks
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._pool.submit(_check, unchecked))
        finally:
            self._waiting -= 1


_guesses = _Lane("guesses", 16)
_trusted = _Lane("trusted", 256)
"""For those who do not queue behind guesses."""

SLOTS.patient = True


async def identified(password: Password) -> Requester:
    """Return whose password this is.

    Raises:
        WrongCredentials: nobody's.
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
