"""How anaconda-client is told of failures."""

from collections.abc import Mapping
from typing import Any

from django.http.response import HttpResponseBase


class TellsError:
    """Adds the key whose value the client prints."""

    def failure(
        self, cause: Exception, status: int, message: str, headers: Mapping[str, str]
    ) -> HttpResponseBase:
        """Answer with `reason`, `message` and `error`."""
        answer: Any = super().failure(cause, status, message, headers)  # type: ignore[misc]
        answer.data["error"] = message
        return answer
