"""Answers 400 for values that Pulp's REST API does not check, where pulpcore answers 500.

PostgreSQL, Python's dates and Django's fields refuse numbers out of range, invalid regular
expressions, NUL, half a surrogate pair, and a PRN of another type. A fix in pulpcore would be an
exception handler, as here. `core.references` handles references that are not text.
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
    """Answer an exception of a REST view (`EXCEPTION_HANDLER` of Django REST framework)."""
    if isinstance(exc, _ODD):
        reason = str(exc).partition("\n")[0]
        _log.warning("A request has an invalid value: %s", reason)
        exc = ValidationError(f"The request has an invalid value: {reason}")
    return exception_handler(exc, context)
