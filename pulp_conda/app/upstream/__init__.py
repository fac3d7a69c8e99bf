"""Asking an upstream over HTTP, for syncs and for files on demand.

Every connection goes to an allowed address, credentials go to the remote's own origin, redirects
are followed by hand, and no error or URL that is shown holds a secret.
"""

from .ask import Answer, Upstream
from .bodies import Pace
from .errors import (
    Absent,
    Busy,
    Forbidden,
    LeftAlone,
    Refused,
    TooLarge,
    Unavailable,
    Untrusted,
    UpstreamError,
)

__all__ = [
    "Absent",
    "Answer",
    "Busy",
    "Forbidden",
    "LeftAlone",
    "Pace",
    "Refused",
    "TooLarge",
    "Unavailable",
    "Untrusted",
    "Upstream",
    "UpstreamError",
]
