"""The server with redis as Pulp's cache and for the locks of its workers."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import bearer, new_account, owner_href, status
from tests.functional.channels import private_channel
from tests.functional.harness import Rest, RunningServer
from tests.functional.homes import Homes

_SETTINGS = """
CACHE_ENABLED = True
WORKER_TYPE = "redis"
REDIS_HOST = "127.0.0.1"
REDIS_PORT = {port}
"""


@pytest.fixture(scope="module")
def redis_server(
    redis: int, homes: Homes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server that uses redis."""
    home = homes.make(tmp_path_factory.mktemp("cached") / "home", _SETTINGS.format(port=redis))
    server = RunningServer(home).start()
    yield server
    server.stop()


def names(url: str) -> set[str]:
    """Return the packages in an index."""
    return set(requests.get(f"{url}/noarch/repodata.json", timeout=30).json()["packages.conda"])


def test_parallel_uploads_are_all_in_the_index(redis_server: RunningServer, owner: str) -> None:
    url = redis_server.channel(owner)
    packages = [PackageBuilder(f"demo{number}") for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda p: redis_server.put(f"{url}/x.conda", p.conda()), packages))
    assert [answer.status_code for answer in answers] == [201] * 20
    assert names(url) == {package.filename for package in packages}


def test_the_cache_never_shows_an_old_index_after_a_201(
    redis_server: RunningServer, owner: str
) -> None:
    content = f"{redis_server.origin}/pulp/content/{owner}/main"
    for number in range(5):
        package = PackageBuilder(f"demo{number}")
        url = redis_server.channel(owner)
        assert redis_server.put(f"{url}/x.conda", package.conda()).status_code == 201
        for place in (url, content):
            assert package.filename in names(place)
            assert package.filename in names(place)  # out of the cache


def test_the_cache_knows_no_304_for_an_old_index(redis_server: RunningServer, owner: str) -> None:
    url = redis_server.channel(owner)
    etags: list[str] = []
    for number in range(4):
        package = PackageBuilder(f"demo{number}")
        assert redis_server.put(f"{url}/x.conda", package.conda()).status_code == 201
        for place in (url, f"{redis_server.origin}/pulp/content/{owner}/main"):
            document = f"{place}/noarch/repodata.json"
            known = {"If-None-Match": ", ".join(etags)} if etags else {}
            answer = requests.get(document, headers=known, timeout=30)
            assert answer.status_code == 200
            newest = {"If-None-Match": answer.headers["ETag"]}
            for _ in range(2):
                assert status(document, headers=newest) == 304
        etags.append(answer.headers["ETag"])


def test_the_cache_does_not_open_private_channels(
    redis_server: RunningServer, redis: int, owner: str
) -> None:
    rest = Rest(redis_server)
    url = private_channel(redis_server, owner)
    organisation = owner_href(rest, owner)
    reader = new_account(redis_server)
    reader.give("conda.channel_reader", organisation)
    token = reader.token(scopes=["read"])
    for path in ("noarch/repodata.json", "noarch/demo-1.0-0.conda"):
        for _ in range(2):
            assert status(f"{url}/{path}") == 401
            assert status(f"{url}/{path}", headers=bearer(token)) == 200
            in_path = url.replace(redis_server.origin, f"{redis_server.origin}/t/{token}")
            assert status(f"{in_path}/{path}") == 200
            assert status(f"{url}/{path}", headers=bearer("pct-" + 48 * "0")) == 401
    assert token not in stored(redis)


def stored(port: int) -> str:
    """Return all keys in redis, and the keys of its hashes."""
    cli = ["redis-cli", "-p", str(port)]
    keys = subprocess.run([*cli, "--scan"], capture_output=True, text=True, check=True).stdout
    assert keys
    hashes = [
        subprocess.run([*cli, "hkeys", key], capture_output=True, text=True).stdout
        for key in keys.splitlines()
    ]
    return keys + "".join(hashes)


def test_uploads_survive_a_worker_that_dies(redis_server: RunningServer, owner: str) -> None:
    url = redis_server.channel(owner)
    packages = [PackageBuilder(f"demo{number}") for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(lambda p: redis_server.put(f"{url}/x.conda", p.conda()), packages)
        assert next(answers).status_code == 201
        redis_server.kill("worker")
        statuses = {answer.status_code for answer in answers}
    assert statuses <= {201, 503}
    for package in packages:
        again = redis_server.put(f"{url}/x.conda", package.conda())
        assert again.status_code in (201, 409), again.text
    assert names(url) == {package.filename for package in packages}
