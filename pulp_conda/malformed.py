"""Tells of requests that cannot be read in a line of the log, as our code has no part in it."""

import logging
from collections.abc import Iterable

from aiohttp.http import HttpProcessingError

_MOST_CHARACTERS = 200


class OneLine(logging.Filter):
    """Takes the traceback off what aiohttp and Django log of a client's mistakes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the record where it is one of those; let every record pass."""
        error = record.exc_info and record.exc_info[1]
        if isinstance(error, HttpProcessingError):
            reason = ascii(error.message.partition("\n")[0][:_MOST_CHARACTERS])
            record.msg, record.args = f"{record.getMessage()}: {reason}", ()
            record.exc_info = None
        elif getattr(record, "status_code", 500) < 500:  # Django names the answer's
            record.exc_info = None
        return True


def tell_in_one_line(loggers: Iterable[str]) -> None:
    """Shorten what these loggers of this process tell of malformed requests from now on."""
    for logger in map(logging.getLogger, loggers):
        if not any(isinstance(known, OneLine) for known in logger.filters):
            logger.addFilter(OneLine())
