"""A malformed request gives one line in the log."""

import logging
from pathlib import Path

import pytest
from django.core.exceptions import DisallowedHost

from pulp_conda.app.authentication.logs import LOGGERS
from pulp_conda.malformed import OneLine, log_malformed_in_one_line
from tests.unit.server.proxied import Streams, at_once, connecting, through_proxy


def test_a_request_that_is_not_http_gives_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def client(streams: Streams) -> None:
        with connecting(streams) as another:
            for rubbish in (
                b"GET / HTTP/1.1\r\nHost\r\n\r\n",
                b"\x16\x03\x01\r\n\r\n",
                b"GET / HTTP/9.x\r\n\r\n",
                b"GET / HTTP/1.1\r\nA: " + b"x" * 9000,
            ):
                reader, writer = await another()
                writer.write(rubbish)
                assert b" 400 Bad Request" in await reader.readline()

    log_malformed_in_one_line(["aiohttp.server"])
    through_proxy(tmp_path, at_once, client)
    assert caplog.records
    assert not any(record.exc_info for record in caplog.records)
    assert not any("\n" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("logger", "status", "traced"),
    [
        ("django.security.DisallowedHost", 400, False),
        ("django.security.RequestDataTooBig", 413, False),
        ("django.request", 400, False),
        ("django.request", 500, True),
        ("django.request", None, True),
    ],
)
def test_only_server_errors_have_tracebacks(
    caplog: pytest.LogCaptureFixture, logger: str, status: int | None, traced: bool
) -> None:
    log_malformed_in_one_line(LOGGERS)
    log_malformed_in_one_line(LOGGERS)
    extra = {} if status is None else {"status_code": status}
    try:
        raise DisallowedHost("Invalid HTTP_HOST header: 'a b'")
    except DisallowedHost as error:
        logging.getLogger(logger).error(str(error), exc_info=error, extra=extra)
    (record,) = caplog.records
    assert bool(record.exc_info) is traced
    assert record.getMessage() == "Invalid HTTP_HOST header: 'a b'"
    filters = logging.getLogger(logger).filters
    assert sum(isinstance(known, OneLine) for known in filters) == 1
