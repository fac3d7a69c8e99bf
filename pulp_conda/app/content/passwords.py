"""Password checks in the content app, in threads of their own beside the database's thread."""

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aiohttp.web import HTTPTooManyRequests, Request
from django.db import connection

from pulp_conda.app.authentication.credentials import Password, Token
from pulp_conda.app.authentication.hashing import RETRY_AFTER_SECONDS, SLOTS, TooManyChecks
from pulp_conda.app.authentication.identity import Unchecked, WrongCredentials, check, recognise
from pulp_conda.app.models import REQUESTER, Requester
from pulp_conda.app.models.access_facts import AccessFacts

from .database import ask, with_database

CREDENTIALS = "conda_credentials"
"""Key, in a request, of the token or the password that our handlers have to check."""

_T = TypeVar("_T")

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


async def identify(request: Request) -> None:
    """Check the credentials of a request if nobody has, and set its requester.

    Raises:
        WrongCredentials, HTTPTooManyRequests: as `identified`.
    """
    if CREDENTIALS in request and REQUESTER not in request:
        request[REQUESTER] = await identified(request[CREDENTIALS])


class HashNeeded(Exception):
    """A password has to be checked by a hash."""

    def __init__(self, unchecked: Unchecked) -> None:
        super().__init__("a password has to be checked")
        self.unchecked = unchecked


def recognised(credentials: Token | Password, facts: AccessFacts | None = None) -> Requester:
    """Return the requester, as `recognise` does, which runs in the database's thread.

    Raises:
        WrongCredentials: the credentials are wrong, or the user is not active.
        HashNeeded: a password has to be checked.
    """
    known = recognise(credentials, facts)
    if isinstance(known, Unchecked):
        raise HashNeeded(known)
    return known


async def identified(credentials: Token | Password) -> Requester:
    """Return the requester that the credentials belong to.

    Raises:
        WrongCredentials: the credentials are wrong, or the user is not active.
        HTTPTooManyRequests: too many passwords are being checked.
    """
    try:
        return await delayed(credentials, ask(recognised, credentials))
    except HashNeeded as needed:
        return await checked(needed)


async def delayed(credentials: object, look_up: Awaitable[_T]) -> _T:
    """Wait for a look-up that needs no hash, and longer if it finds that a password is wrong."""
    try:
        return await look_up
    except WrongCredentials:
        if isinstance(credentials, Password):
            await asyncio.sleep(_REFUSAL_SECONDS)
        raise


async def checked(needed: HashNeeded) -> Requester:
    """Return the user of a password that has to be checked.

    Raises:
        WrongCredentials: the name or the password is wrong.
        HTTPTooManyRequests: too many passwords are being checked.
    """
    known = needed.unchecked
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
