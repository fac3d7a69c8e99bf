"""Files that are fetched from an upstream when clients ask for them."""

from hashlib import sha256

import pytest
import requests

from tests.functional.on_demand import LARGE, MIB, SMALL, Channel


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_file_is_fetched_once_and_kept(channel: Channel, size: int) -> None:
    channel.has(size)
    first = channel.get()
    assert (first.status_code, first.content) == (200, channel.body)
    assert first.headers["Content-Length"] == str(size)
    assert first.headers["ETag"] == f'"{sha256(channel.body).hexdigest()}"'
    assert "Set-Cookie" not in first.headers
    assert first.headers["Cache-Control"].startswith("public, max-age=0")
    channel.server.wait(channel.is_stored)
    second = channel.get(1)
    assert (second.content, second.headers["ETag"]) == (channel.body, first.headers["ETag"])
    assert channel.asked() == [""]
    channel.server.wait(lambda: not channel.spools())
    remote = channel.server.query(
        f"SELECT url FROM core_remoteartifact WHERE sha256 = '{sha256(channel.body).hexdigest()}'"
    )
    assert remote == f"{channel.upstream.origin}/{channel.path}"


def test_a_reclaimed_file_is_fetched_again(channel: Channel) -> None:
    channel.has(LARGE)
    for number in (1, 2):
        assert channel.get().content == channel.body
        assert len(channel.asked()) == number
        channel.server.wait(channel.is_stored)
        channel.reclaim()
        assert not channel.is_stored()


def test_a_head_and_a_condition_fetch_nothing(channel: Channel) -> None:
    channel.has(LARGE)
    head = requests.head(channel.url(), timeout=60)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(LARGE))
    assert channel.get(If_None_Match=head.headers["ETag"]).status_code == 304
    assert channel.asked() == []


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize(("by_md5", "sized"), [(True, True), (False, False)])
def test_records_may_lack_a_digest_or_the_size(
    channel: Channel, size: int, by_md5: bool, sized: bool
) -> None:
    channel.has(size, by_md5=by_md5, sized=sized)
    head = requests.head(channel.url(), timeout=60)
    assert head.headers.get("Content-Length", str(size)) == str(size)
    assert channel.asked() == []
    first = channel.get()
    assert (first.content, first.headers["ETag"]) == (channel.body, head.headers["ETag"])
    channel.server.wait(channel.is_stored)
    assert channel.get(1).headers["ETag"] == head.headers["ETag"]


def test_a_range_waits_for_the_fetch_to_reach_it(channel: Channel) -> None:
    channel.has(LARGE)
    answer = channel.get(Range=f"bytes={2 * MIB}-{2 * MIB + 99}")
    assert (answer.status_code, answer.content) == (206, channel.body[2 * MIB : 2 * MIB + 100])
    last = channel.get(Range="bytes=-10")
    assert last.content == channel.body[-10:]
    assert channel.asked() == [""]


def test_streamed_files_are_not_kept(channel: Channel) -> None:
    channel.has(LARGE, policy="streamed")
    for number in (1, 2):
        assert channel.get().content == channel.body
        assert len(channel.asked()) == number
    assert not channel.is_stored()
    channel.server.wait(lambda: not channel.spools())
    assert (
        channel.server.query("SELECT count(*) FROM conda_upstreamfile WHERE retry_at IS NULL") == 0
    )
