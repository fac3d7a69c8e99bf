"""Masks the secrets that URLs contain, in the logs: access tokens and staged uploads."""

import logging
import re

from django.core.exceptions import SuspiciousOperation

_TOKEN = re.compile(r"pct-[0-9a-fA-F]{8,}|(?<=/t/)[^/\s\"']+(?=/)|(?<=/staged/)[^\s\"']+")


def _kinds(parent: type[Exception]) -> list[str]:
    children = parent.__subclasses__()
    return [parent.__name__, *(name for child in children for name in _kinds(child))]


LOGGERS = (
    "aiohttp.access",
    "aiohttp.server",
    "django.request",
    # A filter of a logger does not apply to the records of its children.
    *(f"django.security.{name}" for name in _kinds(SuspiciousOperation)),
    "django.security.csrf",
    "gunicorn.access",
    "gunicorn.error",
    "pulpcore.content.authentication",
    "pulpcore.content.handler",
)
"""The loggers whose messages contain URLs."""


class _WithoutTokens(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        masked = _TOKEN.sub("***", message)
        if masked != message:
            record.msg, record.args = masked, ()
        return True


def hide_tokens() -> None:
    """Mask tokens in everything that this process logs from now on."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, _WithoutTokens) for known in logger.filters):
            logger.addFilter(_WithoutTokens())
