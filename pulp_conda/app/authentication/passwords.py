"""Memory of passwords that were recently found right or wrong.

Checking a password costs a third of a second of processor time, by design. A conda client sends
its password with every request: a right one for as long as it runs, a wrong one six times before
it gives up.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict

_MAX_DIGESTS = 4096
_WRONG_SECONDS = 30
"""How long a wrong password is remembered. Not longer, since a user directory such as LDAP may
make it right at any time."""


class PasswordMemory:
    """Remembers for a while, in one process, which passwords were right and which wrong.

    It keeps an HMAC of each, under a key that only this process has. The `subject` identifies the
    user and contains the hash in the database, so that a changed password takes effect at once.
    """

    def __init__(self, right_s: float) -> None:
        self._key = secrets.token_bytes(32)
        # Two stores, so that any number of wrong passwords cannot push out the right ones.
        self._known = {True: _Times(right_s), False: _Times(_WRONG_SECONDS)}
        self._guessed = _Times(_WRONG_SECONDS)

    def note(self, subject: str, password: str, *, right: bool) -> None:
        """Remember the result of a check."""
        self._known[right].note(self._digest(subject, password))
        if not right:
            self._guessed.note(self._digest(subject))

    def recall(self, subject: str, password: str) -> bool | None:
        """Return whether a password is right, None if it has to be checked."""
        digest = self._digest(subject, password)
        return next((right for right, known in self._known.items() if known.knows(digest)), None)

    def trusts(self, subject: str, password: str) -> bool:
        """Tell whether a password is checked before guesses, so that guesses lock nobody out.

        It is if it was right at any time that is still stored, or if no wrong password was sent
        for its user recently.
        """
        was_right = self._digest(subject, password) in self._known[True]
        return was_right or not self._guessed.knows(self._digest(subject))

    def _digest(self, subject: str, password: str = "") -> bytes:
        message = f"{subject}\0{password}".encode(errors="surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256)


class _Times:
    """When each digest was noted last; the newest `_MAX_DIGESTS` are kept."""

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._expires: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, digest: bytes) -> None:
        with self._lock:
            self._expires[digest] = time.monotonic() + self._lifetime_s
            self._expires.move_to_end(digest)
            while len(self._expires) > _MAX_DIGESTS:
                self._expires.popitem(last=False)

    def knows(self, digest: bytes) -> bool:
        return self._expires.get(digest, 0) > time.monotonic()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._expires
