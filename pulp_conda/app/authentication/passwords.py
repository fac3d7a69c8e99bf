"""Passwords that were found right, or wrong, a short while ago.

Checking one costs a third of a second of processor time, by intent, and a conda client sends it
with every request: the right one for as long as it runs, a wrong one six times before it gives up.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict

_MOST = 4096
_WRONG_SECONDS = 30
"""How long a wrong password is remembered: a directory may make it right at any time."""


class PasswordMemory:
    """Remembers, in one process and for a while, which passwords were right and which wrong.

    What is kept is an HMAC under a key that only this process has. The `subject` says whose
    password it is and covers the hash in the database, so that a changed password counts at once.
    """

    def __init__(self, right_s: float) -> None:
        self._key = secrets.token_bytes(32)
        # Apart, so that no number of wrong passwords makes the right ones forgotten.
        self._known = {True: _Times(right_s), False: _Times(_WRONG_SECONDS)}
        self._guessed = _Times(_WRONG_SECONDS)

    def note(self, subject: str, password: str, *, right: bool) -> None:
        """Remember what a check of a password found."""
        self._known[right].note(self._digest(subject, password))
        if not right:
            self._guessed.note(self._digest(subject))

    def recall(self, subject: str, password: str) -> bool | None:
        """Return whether a password is right; None where that has to be checked."""
        digest = self._digest(subject, password)
        return next((right for right, known in self._known.items() if known.knows(digest)), None)

    def trusts(self, subject: str, password: str) -> bool:
        """Tell whether a password goes before guesses, so that these do not lock its user out.

        It does where it has been right at any time that is remembered, or where no wrong one was
        presented for its user lately.
        """
        was_right = self._digest(subject, password) in self._known[True]
        return was_right or not self._guessed.knows(self._digest(subject))

    def _digest(self, subject: str, password: str = "") -> bytes:
        message = f"{subject}\0{password}".encode(errors="surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256)


class _Times:
    """When each of a bounded number of digests was noted last."""

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._expires: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, digest: bytes) -> None:
        with self._lock:
            self._expires[digest] = time.monotonic() + self._lifetime_s
            self._expires.move_to_end(digest)
            while len(self._expires) > _MOST:
                self._expires.popitem(last=False)

    def knows(self, digest: bytes) -> bool:
        return self._expires.get(digest, 0) > time.monotonic()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._expires
