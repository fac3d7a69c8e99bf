"""Cures a gap in pulpcore: values that no field checks are 500 over Pulp's REST API, and not 400.

PostgreSQL, Python's dates or Django's fields refuse numbers beyond their range, regular expressions
that cannot be read, NUL, half a surrogate pair, a PRN of another kind. Upstream would answer so in
an exception handler, as here. References that are no text are another gap: `core.references`.
"""

import logging
from typing import Any

from django.core.exceptions import ValidationError as InvalidForDjango
from django.db import DataError
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

_log = logging.getLogger(__name__)

_ODD = (DataError, OverflowError, UnicodeEncodeError, InvalidForDjango)


def answer_odd_values(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Answer failures of a REST view (`EXCEPTION_HANDLER` of Django REST framework)."""
    if isinstance(exc, _ODD):
        reason = str(exc).partition("\n")[0]
        _log.warning("A request had a value that is not possible: %s", reason)
        exc = ValidationError(f"A value of the request is not possible: {reason}")
    return exception_handler(exc, context)
