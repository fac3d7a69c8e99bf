"""Passwords that were found right a short while ago.

Checking one costs a third of a second of processor time, by intent, and a conda client sends it
with every request.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from typing import Any

_MOST = 4096


class PasswordMemory:
    """Remembers, in one process and for a while, which passwords were right.

    What is kept is an HMAC under a key that only this process has. It covers the hash in the
    database too, so that a changed password is forgotten at once.
    """

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._key = secrets.token_bytes(32)
        self._expires: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, user: Any, password: str) -> None:
        """Note that this is the user's password."""
        with self._lock:
            self._expires[self._digest(user, password)] = time.monotonic() + self._lifetime_s
            while len(self._expires) > _MOST:
                self._expires.popitem(last=False)

    def knows(self, user: Any, password: str) -> bool:
        """Tell whether this was the user's password a short while ago."""
        return self._expires.get(self._digest(user, password), 0) > time.monotonic()

    def _digest(self, user: Any, password: str) -> bytes:
        message = "\0".join((str(user.pk), user.password, password))
        return hmac.digest(self._key, message.encode(), hashlib.sha256)
