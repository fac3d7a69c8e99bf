"""Tokens stay out of the logs."""

import logging

import pytest

from pulp_conda.app.authentication.logs import hide_tokens

TOKEN = f"pct-{'0123456789ab' * 4}"  # the same in every process that collects tests


@pytest.mark.parametrize(
    ("message", "arguments", "expected"),
    [
        (f"GET /t/{TOKEN}/api/x", (), "GET /t/***/api/x"),
        ("GET %s", (f"/t/{TOKEN}/api",), "GET /t/***/api"),
        ("GET %(r)s", ({"r": f"/conda/t/{TOKEN}/main"},), "GET /conda/t/***/main"),
        ("GET /t/somebody-elses/x", (), "GET /t/***/x"),
        ("GET /noarch/%s", ("repodata.json",), "GET /noarch/repodata.json"),
    ],
)
def test_a_token_is_masked(
    caplog: pytest.LogCaptureFixture, message: str, arguments: tuple[object, ...], expected: str
) -> None:
    hide_tokens()
    hide_tokens()
    for name in ("aiohttp.access", "django.security.DisallowedHost"):
        caplog.clear()
        with caplog.at_level(logging.INFO, name):
            logging.getLogger(name).info(message, *arguments)
        assert caplog.messages == [expected]
