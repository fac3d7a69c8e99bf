"""Answers to failures, in the form that anaconda-client expects."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException

from pulp_conda.app.models import ChannelName


class Ambiguous(APIException):
    """Several channels have the packages that are to be removed."""

    status_code = 409

    def __init__(self, channels: Iterable[ChannelName]) -> None:
        names = sorted(map(str, channels))
        super().__init__(f"{' and '.join(names)} have it; choose one by --user {names[0]}")


class ErrorKeyMixin:
    """Adds `error` to the answer to a failure, which the client prints."""

    def failure(
        self, cause: Exception, status: int, message: str, headers: Mapping[str, str]
    ) -> HttpResponseBase:
        """Answer with `reason`, `message` and `error`."""
        answer: Any = super().failure(cause, status, message, headers)  # type: ignore[misc]
        answer.data["error"] = message
        return answer
