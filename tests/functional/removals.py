"""A channel with two versions of a package, for tests of removals."""

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.harness import RunningServer

FILE = "noarch/demo-1.0-0.conda"


BODY = PackageBuilder().conda()


OTHER_BYTES = PackageBuilder().payload(300).conda()


@pytest.fixture
def channel(server: RunningServer, owner: str) -> str:
    """A channel with one package in two versions."""
    url = server.channel(owner)
    for version in ("1.0", "2.0"):
        body = PackageBuilder(version=version).conda()
        assert server.put(f"{url}/x.conda", body).status_code == 201
    return url


def fetched(url: str, path: str = FILE) -> bytes | None:
    """Return a file as anonymous clients get it, None if its URL is 404."""
    answer = requests.get(f"{url}/{path}", timeout=30)
    assert answer.status_code in (200, 404)
    return answer.content if answer.ok else None
