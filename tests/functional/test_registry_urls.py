"""Odd URLs and methods at the registry: the right file or a 4xx with a reason, never a 500."""

import http.client
import json
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.channels import newest_version, packages
from tests.functional.harness import PASSWORD, Rest, RunningServer

_BODY = PackageBuilder().conda()
_POSITIONS = {"owner": -5, "channel": -3, "subdir": -2, "file": -1}

_MANGLED = (
    "%2F{0}", "{0}%2F", "a%2F..%2F{0}", "%2E%2E", "%2E", "..", "%2E%2E%2F{0}", "", "/", "{0}//",
    "%00", "{0}%00", "%00{0}", "{0}%0A", "%0D%0A{0}", "{0}%20", "+", "{0}%3Fx", "{0}%23x",
    "{0};x=y", "%C3%BC", "{0}%CC%88", "%F0%9F%90%8D", "%FF", "%ED%A0%80", "%", "%zz", "{0}%", "%25",
    "%252F", "{upper}", "{long}", "<{0}>", "%27%3B--", "{0}%5C",
)  # fmt: skip


def send(server: RunningServer, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """Send a request whose path is not normalised."""
    where = urlsplit(server.origin)
    assert where.hostname
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    credentials = b64encode(f"admin:{PASSWORD}".encode()).decode()
    # With a token in the path, which counts only without other credentials.
    headers = {} if path.startswith("/t/") else {"Authorization": f"Basic {credentials}"}
    connection.request(method, path, body=_BODY if method == "PUT" else None, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def assert_reasoned(answer: bytes, where: str) -> None:
    """Check that a refusal gives a reason."""
    assert answer.startswith(b'{"reason":'), where
    assert set(json.loads(answer)) == {"reason", "message"}, where


@dataclass
class Channel:
    """A channel with one file, and the segments of the file's URL."""

    server: RunningServer
    rest: Rest
    owner: str
    token: str

    def __post_init__(self) -> None:
        self.url = self.server.channel(self.owner, "dev")
        assert self.server.put(f"{self.url}/x.conda", _BODY).status_code == 201
        owner_and_file = (self.owner, "conda", "dev", "noarch", "demo-1.0-0.conda")
        place = ("t", self.token) if self.token else ()
        self.segments = ["", *place, "api", "packages", *owner_and_file]

    def spelled(self, segment: str, spelling: str) -> str:
        """Return the file's path with another spelling of one of its segments."""
        at = len(self.segments) + _POSITIONS[segment]
        old = self.segments[at]
        new = spelling.format(old, upper=old.upper(), long=3000 * "a")
        return "/".join([*self.segments[:at], new, *self.segments[at + 1 :]])

    def assert_changes(self, number: int) -> None:
        """Check that the file exists, and how many changes were made since its upload."""
        newest = newest_version(self.rest, self.owner, "dev")
        assert newest.endswith(f"/versions/{1 + number}/")
        assert packages(self.url) == {"demo-1.0-0.conda"}


@pytest.fixture(params=["", "t/"])
def channel(
    request: pytest.FixtureRequest, server: RunningServer, rest: Rest, owner: str
) -> Channel:
    token = ""
    if request.param:
        body = {"name": f"urls of {owner}", "scopes": ["read", "write", "delete"]}
        token = rest.create("conda/tokens/", **body)["token"]
    return Channel(server, rest, owner, token)


@pytest.mark.parametrize("segment", _POSITIONS)
def test_a_path_that_cannot_be_read_removes_nothing(channel: Channel, segment: str) -> None:
    changes = 0
    for spelling in _MANGLED:
        path = channel.spelled(segment, spelling)
        read, _, content = send(channel.server, "GET", path)
        assert read == 404 or (read == 200 and content == _BODY), path[:200]
        if read == 404:
            assert_reasoned(content, path[:200])
        assert send(channel.server, "HEAD", path)[0] == read, path[:200]
        removed, _, answer = send(channel.server, "DELETE", path)
        where = f"{path[:200]}: {removed} {answer[:200]!r}"
        if read == 200:
            assert removed == 204, where
            assert channel.server.put(f"{channel.url}/x.conda", _BODY).status_code == 201
            changes += 2
        else:
            assert removed == 404, where
            assert_reasoned(answer, where)
    channel.assert_changes(changes)


@pytest.mark.parametrize("segment", _POSITIONS)
def test_an_upload_is_taken_or_refused_with_a_reason(channel: Channel, segment: str) -> None:
    for spelling in _MANGLED:
        path = channel.spelled(segment, spelling)
        status, _, answer = send(channel.server, "PUT", path)
        where = f"{path[:200]}: {status} {answer[:200]!r}"
        assert status in (201, 400, 404, 409), where
        if status != 201:
            assert_reasoned(answer, where)
    channel.assert_changes(0)


@pytest.mark.parametrize("segment", _POSITIONS)
@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PROPFIND"])
def test_every_path_says_what_is_allowed(channel: Channel, segment: str, method: str) -> None:
    for spelling in ("{0}", *_MANGLED):
        path = channel.spelled(segment, spelling)
        status, headers, answer = send(channel.server, method, path)
        where = f"{path[:200]}: {status} {answer[:200]!r}"
        assert status in (204 if method == "OPTIONS" else 405, 404), where
        assert spelling != "{0}" or status != 404, where
        if status != 404:
            assert headers["Allow"] == "GET, HEAD, PUT, DELETE, OPTIONS", where
        if status != 204:
            assert_reasoned(answer, where)
    channel.assert_changes(0)


def test_allowed_methods_are_shown_except_to_wrong_credentials(
    server: RunningServer, owner: str
) -> None:
    url = f"{server.channel(owner)}/noarch/demo-1.0-0.conda"
    assert requests.options(url, timeout=30).status_code == 204
    assert requests.post(url, timeout=30).status_code == 405
    assert requests.post(url, auth=("nobody", "x"), timeout=30).status_code == 401


@pytest.mark.parametrize(
    "path", ["packages/{0}/x.conda", "packages/{0}/npm/x", "v1/packages/{0}/npm/x"]
)
def test_packages_of_other_types_are_nowhere(server: RunningServer, owner: str, path: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        status, _, answer = send(server, method, f"/api/{path.format(owner)}")
        assert status == 404, (method, path)
        assert_reasoned(answer, path)


def test_domains_that_cannot_be_are_refused(domain_server: RunningServer) -> None:
    """An upload is answered with the rule for names, as without domains; anything else is 404."""
    for owner in ("%00", "a%00", "%0A", "%FF", "..", "%2E%2E", "nowhere", "a%2Fb"):
        for method in ("GET", "PUT", "DELETE"):
            path = f"/api/packages/{owner}/conda/dev/noarch/demo-1.0-0.conda"
            possible = (400, 404) if method == "PUT" and owner != "nowhere" else (404,)
            assert send(domain_server, method, path)[0] in possible, (method, owner)
        assert send(domain_server, "GET", f"/api/v1/packages/{owner}")[0] == 404, owner
