"""Logs a request that cannot be parsed in one line: a traceback would not lead into our code."""

import logging
from collections.abc import Iterable

from aiohttp.http import HttpProcessingError

_MOST_CHARACTERS = 200


class OneLine(logging.Filter):
    """Removes the traceback from what aiohttp and Django log about a client's mistake."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten a record about a client's mistake; let every record pass."""
        error = record.exc_info and record.exc_info[1]
        if isinstance(error, HttpProcessingError):
            reason = ascii(error.message.partition("\n")[0][:_MOST_CHARACTERS])
            record.msg, record.args = f"{record.getMessage()}: {reason}", ()
            record.exc_info = None
        elif getattr(record, "status_code", 500) < 500:  # Django adds the status of the answer
            record.exc_info = None
        return True


def log_malformed_in_one_line(loggers: Iterable[str]) -> None:
    """Shorten what these loggers of this process write about malformed requests from now on."""
    for logger in map(logging.getLogger, loggers):
        if not any(isinstance(known, OneLine) for known in logger.filters):
            logger.addFilter(OneLine())
