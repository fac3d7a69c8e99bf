"""Django's system checks of this plugin."""

import logging
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core import checks

from . import webserver

_log = logging.getLogger(__name__)

_NETWORKS = ("CONDA_FILE_URL_NETWORKS", "CONDA_UPSTREAM_ALLOWED_NETWORKS")


def check_upload_timeout(**_: Any) -> list[checks.CheckMessage]:
    """Warn if gunicorn's time-out is shorter than the time for which uploads may wait.

    Only gunicorn's own processes know its time-out.
    """
    gunicorn = webserver.configuration()
    if gunicorn is None or not gunicorn.timeout:
        return []
    longest = webserver.waiting_seconds(gunicorn.timeout)
    if longest >= settings.CONDA_UPLOAD_TIMEOUT_SECONDS:
        return []
    return [
        checks.Warning(
            f"The API ends requests after {gunicorn.timeout} s, so an upload waits for a busy "
            f"channel for {longest:g} s at most, and not for CONDA_UPLOAD_TIMEOUT_SECONDS "
            f"({settings.CONDA_UPLOAD_TIMEOUT_SECONDS:g} s).",
            hint="Start it by pulpcore-api --timeout 900, with an API_APP_TTL of at least 1800.",
            id="pulp_conda.W001",
        )
    ]


def check_networks(**_: Any) -> list[checks.CheckMessage]:
    """Refuse settings with networks that cannot be read: they decide where the server connects."""
    messages: list[checks.CheckMessage] = []
    for name in _NETWORKS:
        for network in getattr(settings, name):
            try:
                ip_network(network)
            except ValueError as error:
                hint = 'Networks are written as "10.1.0.0/16" or "fd00:1::/32".'
                messages.append(checks.Error(f"{name}: {error}.", hint=hint, id="pulp_conda.E001"))
    return messages


def check_api_process(instance: Any, created: bool, **_: Any) -> None:
    """Log the results of the checks when an API process starts; Django does not run them there."""
    if created and instance.app_type == "api":
        for message in (*check_upload_timeout(), *check_networks()):
            _log.warning("%s", message)
