"""Forgejo's API: reads by GET and HEAD, 404s and other failures."""

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.harness import PASSWORD, RunningServer


def test_reading_honours_head_ranges_and_conditions(server: RunningServer, owner: str) -> None:
    body = PackageBuilder().payload(10_000).conda()
    server.put(f"{server.channel(owner)}/x.conda", body)
    url = f"{server.channel(owner)}/noarch/demo-1.0-0.conda"
    head = requests.head(url, timeout=30)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(body)))
    assert "must-revalidate" in head.headers["Cache-Control"]
    part = requests.get(url, headers={"Range": "bytes=100-199"}, timeout=30)
    assert (part.status_code, part.content) == (206, body[100:200])
    beyond = requests.get(url, headers={"Range": f"bytes={len(body)}-"}, timeout=30)
    assert beyond.status_code == 416
    for document in ("repodata.json", "repodata.json.zst"):
        url = f"{server.channel(owner)}/noarch/{document}"
        tag = requests.get(url, timeout=30).headers["ETag"]
        again = requests.get(url, headers={"If-None-Match": tag}, timeout=30)
        assert (again.status_code, again.content) == (304, b"")


def test_a_package_is_unchanged_since_any_later_date(filled: str) -> None:
    package, index = f"{filled}/noarch/demo-1.0-0.conda", f"{filled}/noarch/repodata.json"
    tomorrow = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    for url, date, status in (
        (package, tomorrow, 304),
        (package, "Mon, 01 Jan 2024 00:00:00 GMT", 200),
        (index, tomorrow, 200),
    ):
        answer = requests.get(url, headers={"If-Modified-Since": date}, timeout=30)
        assert answer.status_code == status, (url, date)
        assert answer.headers["ETag"]


def test_empty_segments_of_a_path_are_ignored(server: RunningServer, owner: str) -> None:
    base = server.channel(owner)
    body = PackageBuilder().conda()
    for path in ("dev//x.conda", "/dev/x.conda", "//dev/noarch//x.conda", "dev/x.conda/"):
        url = f"{base}/{path}"
        assert server.put(url, body).status_code == 201, path
        for read in ("dev/noarch/demo-1.0-0.conda/", "/dev//noarch//demo-1.0-0.conda"):
            assert requests.get(f"{base}/{read}", timeout=30).content == body
        removed = f"{base}//dev/noarch/demo-1.0-0.conda/"
        answer = requests.delete(removed, auth=("admin", PASSWORD), timeout=60)
        assert answer.status_code == 204


FAILURES: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("GET", "dev/noarch/repodata.json", {}, 404),
    ("HEAD", "dev/noarch/repodata.json", {}, 404),
    ("GET", "noarch/absent-1.0-0.conda", {}, 404),
    ("GET", "Bad!Channel/noarch/repodata.json", {}, 404),
    ("GET", "noarch/%00", {}, 404),
    ("GET", "noarch/demo-1.0-0.conda", {"Range": "bytes=1000000-"}, 416),
    ("GET", "noarch/demo-1.0-0.conda", {"If-Match": '"other"'}, 412),
    ("GET", "noarch/demo-1.0-0.conda", {"Authorization": "token wrong"}, 401),
    ("GET", "noarch/repodata.json", {"Authorization": "Basic eDp5"}, 401),
    ("POST", "noarch/demo-1.0-0.conda", {}, 405),
)


@pytest.mark.parametrize(("method", "path", "headers", "status"), FAILURES)
def test_every_failure_has_a_reason_and_a_message(
    filled: str, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = requests.request(method, f"{filled}/{path}", headers=headers, timeout=30)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    if method != "HEAD":
        assert set(answer.json()) == {"reason", "message"}
        assert answer.json()["reason"] == HTTPStatus(status).phrase
        assert len(answer.json()["message"]) > len(answer.json()["reason"])
    if method != "POST":
        assert answer.headers["Cache-Control"] == "no-store"
    header_of = {401: "WWW-Authenticate", 405: "Allow", 416: "Content-Range", 412: "ETag"}
    assert status == 404 or answer.headers[header_of[status]]


def test_the_content_app_itself_says_what_methods_it_allows(
    server: RunningServer, filled: str
) -> None:
    """The request bypasses the proxy, which sends everything but reads to the API."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.sockets() / "content.sock"))
        path = urlsplit(f"{filled}/noarch/demo-1.0-0.conda").path
        client.sendall(f"PUT {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")
    assert b" 405 " in head
    assert b"\r\nAllow: GET,HEAD\r\n" in head
    assert set(json.loads(body)) == {"reason", "message"}


def test_at_pulps_own_urls_failures_are_those_of_pulp(server: RunningServer, filled: str) -> None:
    content = filled.replace("/api/packages/", "/pulp/content/").replace("/conda", "/main")
    for path, headers, status, text in (
        ("noarch/absent.json", {}, 404, "404: Not Found"),
        ("noarch/demo-1.0-0.conda", {"Range": "bytes=1000000-"}, 416, ""),
    ):
        answer = requests.get(f"{content}/{path}", headers=headers, timeout=30)
        assert (answer.status_code, answer.text) == (status, text)


def test_absent_files_are_404(server: RunningServer, owner: str) -> None:
    server.put(f"{server.channel(owner)}/x.conda", PackageBuilder().conda())
    for path in (
        "noarch/absent-1-0.conda", "plan9-128/repodata.json", "noarch/index_manifest.msgpack.zst",
        "rss.xml", "noarch/", "noarch", "noarch/../noarch/repodata.json.gz",
        "linux-64/demo-1.0-0.conda", "a/b/c/d/e", "%2e%2e/x", "noarch/%00",
    ):  # fmt: skip
        answer = requests.get(f"{server.channel(owner)}/{path}", timeout=30)
        assert answer.status_code == 404, path


def test_a_package_of_another_channel_is_not_served(server: RunningServer, owner: str) -> None:
    server.put(f"{server.channel(owner)}/x.conda", PackageBuilder().conda())
    server.put(f"{server.channel(owner, 'dev')}/x.conda", PackageBuilder(version="2").conda())
    other = f"{server.channel(owner, 'dev')}/noarch/demo-1.0-0.conda"
    assert requests.get(other, timeout=30).status_code == 404


@pytest.fixture
def filled(server: RunningServer, owner: str) -> str:
    """The URL of a default channel with one package."""
    channel = server.channel(owner)
    assert server.put(f"{channel}/x.conda", PackageBuilder().conda()).status_code == 201
    return channel
