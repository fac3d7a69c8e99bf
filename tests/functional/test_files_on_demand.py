"""Files that are fetched from an upstream when clients ask for them, by two content processes."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import count
from typing import NamedTuple

import pytest
import requests

from tests.functional import faulty_upstream as faults
from tests.functional.faulty_upstream import FaultyUpstream
from tests.functional.homes import Homes
from tests.functional.mirrored import File, Mirror, Saver, saver
from tests.functional.production import Production, production

_NETWORKS = '["127.0.0.0/8"]'
_MIB = 1024**2
_LARGE, _SMALL = 3 * _MIB + 5, 20_000
_HELD_BACK = 64 * 1024
_numbers = count()
_bytes = random.Random(1)


class Running(NamedTuple):
    """A server with two content processes, and their origins."""

    server: Production
    origins: list[str]
    saver: Saver


@pytest.fixture(scope="module")
def running(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The server of these tests."""
    home = homes.make(tmp_path_factory.mktemp("demand") / "home")
    with production(home, PULP_CONDA_UPSTREAM_ALLOWED_NETWORKS=_NETWORKS) as started:
        started.start_api("--timeout=900")
        started.start_worker("worker")
        origins = [started.start_content(name) for name in ("content-1", "content-2")]
        with saver(started.env) as saves:
            yield Running(started, origins, saves)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    """An upstream that does as it is told."""
    with faults.faulty_upstream() as started:
        yield started


class Channel:
    """A channel of its own for each test, with one package that is not here."""

    def __init__(self, running: Running, upstream: FaultyUpstream) -> None:
        self.server, self.origins, self.saver = running
        self.upstream = upstream
        self.name = f"mirror{next(_numbers)}"
        self.path = f"{self.name}/noarch/demo-1.0-0.conda"
        self.body = b""

    def has(
        self,
        size: int,
        *told: faults.Fault | None,
        policy: str = "on_demand",
        by_md5: bool = False,
        sized: bool = True,
    ) -> "Channel":
        """Let the upstream have a file, and the channel its record."""
        self.body = _bytes.randbytes(size)
        self.upstream.files[self.path] = self.body
        self.upstream.faults[self.path] = list(told)
        files = [File.of("demo-1.0-0.conda", self.body, by_md5=by_md5, sized=sized)]
        self.mirror([f"{self.upstream.origin}/{self.name}"], files, policy)
        return self

    def mirror(self, urls: list[str], files: list[File], policy: str = "on_demand") -> None:
        """Put packages without files into the channel."""
        saved = self.saver.save(Mirror(f"{self.name}/main", urls, files, policy))
        answer = requests.post(
            f"{self.server.api}{saved['repository']}modify/",
            json={"add_content_units": saved["packages"]}, auth=("admin", "password"), timeout=60,
        )  # fmt: skip
        assert answer.status_code == 202, answer.text
        task = f"{self.server.api}{answer.json()['task']}"
        self.server.wait(
            lambda: (
                requests.get(task, auth=("admin", "password"), timeout=60).json()["state"]
                == "completed"
            )
        )

    def url(self, process: int = 0) -> str:
        """Return the URL of the package at one of the content processes."""
        return (
            f"{self.origins[process]}/api/packages/{self.name}/conda/main/noarch/demo-1.0-0.conda"
        )

    def get(self, process: int = 0, **headers: str) -> requests.Response:
        """Get the package."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(self.url(process), headers=named, timeout=300)

    def partial(self, process: int = 0) -> bytes:
        """Return what a client gets of a file whose connection is broken."""
        got = bytearray()
        with requests.get(self.url(process), stream=True, timeout=300) as answer:
            assert answer.status_code == 200
            try:
                for chunk in answer.iter_content(4096):
                    got += chunk
            except requests.RequestException:
                return bytes(got)
        raise AssertionError("the whole file came")

    def asked(self) -> list[str]:
        """Return the range of each request to the upstream."""
        return self.upstream.requests_for(self.path)

    def is_stored(self) -> bool:
        """Return whether the file is an artifact of the package."""
        digest = sha256(self.body).hexdigest()
        stored: int = self.server.query(
            "SELECT count(*) FROM core_contentartifact c JOIN core_artifact a ON a.pulp_id ="
            f" c.artifact_id WHERE a.sha256 = '{digest}'"
        )
        return stored > 0

    def spools(self) -> list[str]:
        """Return what fetches have left in the working directory."""
        folder = self.server.home.tmp / "conda-fetch"
        return [path.name for path in folder.iterdir()] if folder.exists() else []


@pytest.fixture
def channel(running: Running, upstream: FaultyUpstream) -> Channel:
    """A channel."""
    return Channel(running, upstream)


@pytest.mark.parametrize("size", [_SMALL, _LARGE])
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


def test_a_head_and_a_condition_fetch_nothing(channel: Channel) -> None:
    channel.has(_LARGE)
    head = requests.head(channel.url(), timeout=60)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(_LARGE))
    assert channel.get(If_None_Match=head.headers["ETag"]).status_code == 304
    assert channel.asked() == []


def test_fifty_clients_of_two_processes_take_one_request(channel: Channel) -> None:
    channel.has(_LARGE)
    with ThreadPoolExecutor(50) as pool:
        got = list(pool.map(lambda number: channel.get(number % 2).content, range(50)))
    assert all(body == channel.body for body in got)
    assert channel.asked() == [""]


@pytest.mark.parametrize("size", [_SMALL, _LARGE])
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
    channel.has(_LARGE)
    answer = channel.get(Range=f"bytes={2 * _MIB}-{2 * _MIB + 99}")
    assert (answer.status_code, answer.content) == (206, channel.body[2 * _MIB : 2 * _MIB + 100])
    last = channel.get(Range="bytes=-10")
    assert last.content == channel.body[-10:]
    assert channel.asked() == [""]


def test_a_fetch_that_breaks_off_goes_on(channel: Channel) -> None:
    channel.has(_LARGE, faults.cut(_MIB), None)
    assert channel.get().content == channel.body
    first, second = channel.asked()
    assert (first, second) == ("", f"bytes={_MIB}-")


def test_a_fetch_that_always_breaks_off_is_aborted(channel: Channel) -> None:
    channel.has(_LARGE, faults.cut_without_ranges(_MIB))
    assert channel.body[:_MIB].startswith(channel.partial())
    assert 1 < len(channel.asked()) < 6
    again = channel.get(1)
    assert (again.status_code, "Retry-After" in again.headers) == (503, True)
    assert not channel.is_stored()


def _spoiled(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


@pytest.mark.parametrize("size", [_SMALL, _LARGE])
def test_a_wrong_last_byte_never_goes_out(channel: Channel, size: int) -> None:
    channel.has(size, faults.other(_spoiled))
    if size == _SMALL:
        assert channel.get().status_code == 502
    else:
        assert channel.body[:-_HELD_BACK].startswith(channel.partial())
    for process in (0, 1):
        blocked = channel.get(process)
        assert blocked.status_code == 502
        assert 500 < int(blocked.headers["Retry-After"]) <= 600
    assert len(channel.asked()) == 1
    assert not channel.is_stored()
    assert channel.spools() == []


@pytest.mark.parametrize(
    "fault",
    [
        faults.other(lambda body: body[::-1][:-1]),
        faults.other(lambda body: body + b"more"),
        faults.other(lambda body: body[:-9]),
        faults.other(lambda body: b"<html>please log in</html>"),
    ],
    ids=["other", "longer", "shorter", "page"],
)
def test_a_file_of_another_size_is_no_answer(channel: Channel, fault: faults.Fault) -> None:
    channel.has(_LARGE, fault)
    assert channel.get().status_code == 502
    assert not channel.is_stored()


def test_a_longer_file_that_does_not_say_so_is_cut_off(channel: Channel) -> None:
    channel.has(_LARGE, faults.other(lambda body: body + b"more", chunked=True))
    assert len(channel.partial()) <= _LARGE - _HELD_BACK
    assert channel.get().status_code == 502


def test_the_next_upstream_is_asked(channel: Channel) -> None:
    channel.has(_SMALL, faults.other(_spoiled))
    channel.upstream.files[f"good{channel.path}"] = channel.body
    urls = [f"{channel.upstream.origin}/{name}" for name in (channel.name, f"good{channel.name}")]
    channel.mirror(urls, [File.of("demo-1.0-0.conda", channel.body)])
    assert channel.get().content == channel.body
    assert channel.asked() == [""]


@pytest.mark.parametrize(
    ("fault", "status", "seconds"),
    [
        (faults.refused(429, Retry_After="120"), 503, 120),
        (faults.refused(503, Retry_After="30"), 503, 30),
        (faults.refused(500), 503, None),
        (faults.refused(403), 503, None),
        (faults.refused(401), 503, None),
        (faults.refused(404), 404, None),
    ],
)
def test_a_refusal_is_told(
    channel: Channel, fault: faults.Fault, status: int, seconds: int | None
) -> None:
    channel.has(_LARGE, fault)
    for process in (0, 1, 0, 1):
        answer = channel.get(process)
        assert answer.status_code == status
        assert "secret" not in answer.text
        if status == 503:
            told = int(answer.headers["Retry-After"])
            assert told >= 1 if seconds is None else seconds - 20 < told <= seconds
    assert len(channel.asked()) == 1


def test_a_slow_upstream_holds_nobody_else_up(
    channel: Channel, running: Running, upstream: FaultyUpstream
) -> None:
    channel.has(_SMALL, faults.dripping(4))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(channel.get)
        assert Channel(running, upstream).has(_SMALL).get().ok
        assert slow.result().content == channel.body


def test_the_death_of_the_fetching_process_is_noticed(channel: Channel) -> None:
    go_on = threading.Event()
    channel.has(_LARGE, faults.held(_MIB, go_on), None)
    third = channel.server.start_content("content-3")
    channel.origins = [*channel.origins, third]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(channel.partial, 2)
        channel.server.wait(lambda: len(channel.asked()) == 1)
        second = pool.submit(channel.get, 0)
        channel.server.wait(channel.spools)
        time.sleep(0.5)  # both may send what is here
        channel.server.kill("content-3")
        assert second.result().content == channel.body
        assert channel.body.startswith(first.result())
        go_on.set()
    assert channel.asked() == ["", f"bytes={_MIB}-"]
    channel.server.wait(channel.is_stored)


def test_a_client_after_the_death_gets_the_whole_file(channel: Channel) -> None:
    channel.has(_LARGE)
    channel.origins = [*channel.origins, channel.server.start_content("content-4")]
    channel.server.order("file fetched", "die")
    assert channel.partial(2) != channel.body
    channel.server.kill("content-4")
    answer = channel.get()
    assert answer.content == channel.body
    channel.server.wait(channel.is_stored)


def test_a_fetch_near_its_end_goes_on_without_clients(channel: Channel) -> None:
    go_on = threading.Event()
    channel.has(_LARGE, faults.held(_MIB, go_on))
    with requests.get(channel.url(), stream=True, timeout=60) as answer:
        next(answer.iter_content(1000))
    time.sleep(1.5)
    go_on.set()
    channel.server.wait(channel.is_stored)
    assert channel.asked() == [""]


def test_streamed_files_are_not_kept(channel: Channel) -> None:
    channel.has(_LARGE, policy="streamed")
    for number in (1, 2):
        assert channel.get().content == channel.body
        assert len(channel.asked()) == number
    assert not channel.is_stored()
    channel.server.wait(lambda: not channel.spools())
    assert (
        channel.server.query("SELECT count(*) FROM conda_upstreamfile WHERE retry_at IS NULL") == 0
    )
