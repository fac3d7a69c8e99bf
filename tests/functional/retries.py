"""A client that tries again while processes are started again, and checks what it can fetch."""

import contextlib
import json
import time

import requests
import zstandard

from tests.builders import PackageBuilder
from tests.functional.harness import PATIENCE_SECONDS, RunningServer


def upload_until_there(server: RunningServer, package: PackageBuilder) -> None:
    """Upload until it succeeds; 409 means that an earlier attempt succeeded."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = server.put(f"{server.channel('acme')}/x.conda", package.conda())
        except requests.ConnectionError:
            time.sleep(0.5)
            continue
        assert answer.status_code in (201, 409, 502, 503), answer.text
        if answer.status_code in (201, 409):
            return
        time.sleep(0.5)
    raise AssertionError(f"{package.filename} could not be uploaded")


def fetched(url: str) -> bytes:
    """Fetch a file; try again while a process is started again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            answer = requests.get(url, timeout=PATIENCE_SECONDS)
            if answer.status_code == 200:
                return answer.content
            assert answer.status_code in (502, 503), answer.text
        time.sleep(0.5)
    raise AssertionError(f"{url} could not be fetched")


def assert_whole(server: RunningServer, at_least: set[str]) -> None:
    """Check that the index has `at_least` these, equals its variant, and that its files exist."""
    url = f"{server.channel('acme')}/noarch"
    plain = fetched(f"{url}/repodata.json")
    names = set(json.loads(plain)["packages.conda"])
    assert names >= at_least
    compressed = fetched(f"{url}/repodata.json.zst")
    assert zstandard.ZstdDecompressor().decompressobj().decompress(compressed) == plain
    for name in names:
        fetched(f"{url}/{name}")
