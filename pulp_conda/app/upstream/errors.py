"""Why an upstream could not be asked, as tasks report it. No message holds a secret."""

from pulpcore.plugin.exceptions import PulpException


class UpstreamError(PulpException):
    """An upstream did not give what it was asked for."""

    error_code = "CND0010"

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence

    def __str__(self) -> str:
        return f"[{self.error_code}] {self.sentence}"


class Absent(UpstreamError):
    """The upstream does not have the file (404 or 410)."""

    error_code = "CND0011"


class Refused(UpstreamError):
    """The upstream, or the proxy, does not accept the remote's credentials or request."""

    error_code = "CND0012"


class Unavailable(UpstreamError):
    """The upstream could not answer now: 429, 5xx, a time-out, a broken connection."""

    error_code = "CND0013"

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        """For how many seconds the upstream wants to be left alone; None if it did not say."""


class Busy(Unavailable):
    """The upstream answered 429 or 503."""


class LeftAlone(Unavailable):
    """The upstream was not asked, because of its last answers."""


class Untrusted(Unavailable):
    """The TLS connection failed. To try again soon does not help."""

    error_code = "CND0014"


class Forbidden(UpstreamError):
    """The server may not connect to an address, or follow a redirect."""

    error_code = "CND0015"


class TooLarge(UpstreamError):
    """A body has more bytes than it may have."""

    error_code = "CND0016"
