"""The document of a channel's notices (CEP 6)."""

from datetime import UTC, datetime

from pulp_conda.formats.notices import Notice, notices_json, timestamp


def test_the_document_has_what_the_cep_names() -> None:
    notice = Notice("7", "Moved", "info", "2026-01-02T03:04:05+00:00", "2027-01-01T00:00:00+00:00")
    assert notices_json([notice]) == (
        b'{"notices":[{"id":"7","message":"Moved","level":"info",'
        b'"created_at":"2026-01-02T03:04:05+00:00","expires_at":"2027-01-01T00:00:00+00:00"}]}'
    )


def test_a_notice_that_does_not_expire_has_no_such_time() -> None:
    assert b"expires_at" not in notices_json([Notice("7", "Moved", "info", "2026-01-02")])
    assert notices_json([]) == b'{"notices":[]}'


def test_old_parsers_can_read_the_times() -> None:
    text = timestamp(datetime(2026, 1, 2, 3, 4, 5, 600, UTC))
    assert text == "2026-01-02T03:04:05.000600+00:00"
    assert datetime.fromisoformat(text).tzinfo is not None
