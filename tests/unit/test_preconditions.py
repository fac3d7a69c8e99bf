"""Conditions and ranges of requests: the rules of RFC 9110, case by case."""

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.app.preconditions import Validators, Verdict, verdict

ETAG = '"a1"'
THEN = "Tue, 24 Nov 2026 12:00:00 GMT"
LATER = "Tue, 24 Nov 2026 12:00:01 GMT"
EARLIER = "Tue, 24 Nov 2026 11:59:59 GMT"
VALIDATORS = Validators(ETAG, THEN)
IN_ORDER = Validators(ETAG, THEN, in_order=True)
SIZE = 10
WHOLE = Verdict(HTTPStatus.OK, 0, SIZE)
UNCHANGED = Verdict(HTTPStatus.NOT_MODIFIED)
FAILED = Verdict(HTTPStatus.PRECONDITION_FAILED)
OUTSIDE = Verdict(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)


def part(start: int, count: int) -> Verdict:
    return Verdict(HTTPStatus.PARTIAL_CONTENT, start, count)


def judged(headers: dict[str, str], method: str = "GET", size: int = SIZE) -> Verdict:
    return verdict(method, headers, VALIDATORS, size)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, WHOLE),
        ({"If-None-Match": ETAG}, UNCHANGED),
        ({"If-None-Match": f"W/{ETAG}"}, UNCHANGED),
        ({"If-None-Match": f'"x,y", {ETAG}'}, UNCHANGED),
        ({"If-None-Match": "*"}, UNCHANGED),
        ({"If-None-Match": '"b"'}, WHOLE),
        ({"If-None-Match": "a1"}, WHOLE),
        ({"If-None-Match": ""}, WHOLE),
        ({"If-None-Match": '"b"', "If-Modified-Since": THEN}, WHOLE),
        ({"If-None-Match": ETAG, "If-Modified-Since": LATER}, UNCHANGED),
        ({"If-None-Match": ETAG, "Range": "bytes=0-1"}, UNCHANGED),
        ({"If-Modified-Since": THEN}, UNCHANGED),
        ({"If-Modified-Since": LATER}, WHOLE),
        ({"If-Modified-Since": "yesterday"}, WHOLE),
        ({"If-Match": ETAG}, WHOLE),
        ({"If-Match": "*"}, WHOLE),
        ({"If-Match": f"W/{ETAG}"}, FAILED),
        ({"If-Match": '"b"', "If-None-Match": ETAG}, FAILED),
        ({"If-Match": ETAG, "If-Unmodified-Since": LATER}, WHOLE),
        ({"If-Unmodified-Since": THEN}, WHOLE),
        ({"If-Unmodified-Since": LATER}, FAILED),
    ],
)
def test_conditions(headers: dict[str, str], expected: Verdict) -> None:
    assert judged(headers) == expected
    if "Range" not in headers:
        assert judged(headers, "HEAD") == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("bytes=0-3", part(0, 4)),
        ("bytes=4-", part(4, 6)),
        ("bytes=9-9", part(9, 1)),
        ("bytes=8-100", part(8, 2)),
        ("bytes=-3", part(7, 3)),
        ("bytes=-100", part(0, 10)),
        (f"bytes=8-{'9' * 18}", part(8, 2)),
        ("bytes=10-", OUTSIDE),
        ("bytes=10-12", OUTSIDE),
        ("bytes=-0", OUTSIDE),
        # Not understood, so ignored.
        ("bytes=3-2", WHOLE),
        ("bytes=-", WHOLE),
        ("bytes=0-1,3-4", WHOLE),
        ("bytes=a-b", WHOLE),
        ("lines=0-3", WHOLE),
        ("bytes=\u0660-\u0663", WHOLE),
        (f"bytes={'9' * 5000}-", WHOLE),
        ("", WHOLE),
    ],
)
def test_ranges(wanted: str, expected: Verdict) -> None:
    assert judged({"Range": wanted}) == expected
    assert judged({"Range": wanted}, "HEAD") == WHOLE


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (ETAG, True),
        (THEN, True),
        (f"W/{ETAG}", False),
        ('"b"', False),
        (LATER, False),
        ("", False),
    ],
)
def test_a_range_of_another_version_gets_the_whole_file(condition: str, holds: bool) -> None:
    headers = {"Range": "bytes=2-3", "If-Range": condition}
    assert judged(headers) == (part(2, 2) if holds else WHOLE)


@pytest.mark.parametrize(
    ("date", "is_since"),
    [
        (THEN, True),
        (LATER, True),
        ("Tuesday, 24-Nov-26 12:00:01 GMT", True),
        ("Tue Nov 24 12:00:01 2026", True),
        (EARLIER, False),
        ("Tue Nov 24 11:59:59 2026", False),
        ("", False),
        ("tomorrow", False),
        ("Tue, 24 Nov 99999 12:00:00 GMT", False),
        ("Tue, 24 Nov 2026 12:00:00 +99999999", False),
    ],
)
def test_a_file_that_only_newer_ones_replace_is_unchanged_at_later_dates(
    date: str, is_since: bool
) -> None:
    unchanged = verdict("GET", {"If-Modified-Since": date}, IN_ORDER, SIZE)
    assert unchanged == (UNCHANGED if is_since else WHOLE)
    wanted = verdict("GET", {"If-Unmodified-Since": date}, IN_ORDER, SIZE)
    assert wanted == (WHOLE if is_since else FAILED)
    undated = Validators(ETAG, None, in_order=True)
    assert verdict("GET", {"If-Modified-Since": date}, undated, SIZE) == WHOLE
    ranged = {"Range": "bytes=2-3", "If-Range": date}
    assert verdict("GET", ranged, IN_ORDER, SIZE) == (part(2, 2) if date == THEN else WHOLE)


def test_an_empty_file_has_no_ranges() -> None:
    assert judged({"Range": "bytes=0-"}, size=0) == OUTSIDE
    assert judged({"Range": "bytes=-5"}, size=0) == OUTSIDE


def test_a_file_without_date_is_never_unchanged_by_date() -> None:
    undated = Validators(ETAG, None)
    for headers in ({"If-Modified-Since": THEN}, {"If-Modified-Since": ""}):
        assert verdict("GET", headers, undated, SIZE) == WHOLE
    assert verdict("GET", {"If-Range": "", "Range": "bytes=0-1"}, undated, SIZE) == WHOLE


HEADER = st.text('bytes=0189-,*W/"a ', max_size=20)
RANGE = st.builds("bytes={}-{}".format, st.integers(0, 1100), st.integers(0, 1100) | st.just(""))


@given(
    st.dictionaries(
        st.sampled_from(["Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since"]),
        HEADER | RANGE,
    ),
    st.integers(0, 1000),
    st.booleans(),
)
def test_for_any_headers_the_bytes_are_within_the_file(
    headers: dict[str, str], size: int, in_order: bool
) -> None:
    found = verdict("GET", headers, Validators(ETAG, THEN, in_order=in_order), size)
    assert 0 <= found.start <= found.start + found.count <= size
    if found.status is HTTPStatus.PARTIAL_CONTENT:
        assert found.count
