"""Wrong passwords: few are checked at a time, none twice, and other users do not wait."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from pulp_conda.app.authentication.slots import Slots
from tests.builders import PackageBuilder
from tests.functional.accounts import Account, bearer, new_account
from tests.functional.harness import ONE_OF_EACH, RunningServer
from tests.functional.homes import Homes

_AT_ONCE = max(1, (os.cpu_count() or 1) // 2)
_WAITING = 16
_numbers = count(1)


@pytest.fixture(scope="module")
def lone(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with one process of each kind, so that each process remembers every password."""
    home = homes.make(tmp_path_factory.mktemp("passwords") / "home")
    running = RunningServer(home, arguments=ONE_OF_EACH).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def account(lone: RunningServer) -> Account:
    """A user who has a public channel and whose password every process remembers."""
    made = new_account(lone)
    url = f"{lone.channel(made.name)}/x.conda"
    assert lone.put(url, PackageBuilder().conda(), auth=made.auth).status_code == 201
    assert read(made, made.auth).status_code == 200
    return made


@contextmanager
def all_slots(server: RunningServer) -> Iterator[None]:
    """Take all slots, as if the machine computed as many hashes as it may."""
    with ExitStack() as stack:
        slots = Slots(server.home / "tmp", _AT_ONCE)
        for _ in range(_AT_ONCE):
            stack.enter_context(slots.taken())
        yield


def wrong() -> tuple[str, str]:
    """Return wrong credentials that were never sent before."""
    return "admin", f"wrong {next(_numbers)}"


def read(account: Account, auth: tuple[str, str] | None) -> requests.Response:
    """Read a public channel."""
    url = f"{account.server.channel(account.name)}/noarch/repodata.json"
    return requests.get(url, auth=auth, timeout=120)


def put(account: Account, **arguments: Any) -> requests.Response:
    """Upload a package to the account's channel that it has already."""
    url = f"{account.server.channel(account.name)}/x.conda"
    return account.server.put(url, PackageBuilder().conda(), **arguments)


def test_while_passwords_are_checked_everybody_else_reads(
    lone: RunningServer, account: Account
) -> None:
    token = account.token(scopes=["read"])
    unattacked = new_account(lone)
    assert read(account, wrong()).status_code == 401, "the first guess at admin's password"
    with ThreadPoolExecutor(_WAITING + 4) as pool:
        with all_slots(lone):
            asked: list[Future[requests.Response]] = [
                pool.submit(read, account, wrong()) for _ in range(_WAITING + 4)
            ]
            refused = [
                each.result() for each, _ in zip(as_completed(asked), range(4), strict=False)
            ]
            assert [answer.status_code for answer in refused] == [429] * 4
            assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
            assert read(account, None).status_code == 200
            assert read(account, account.auth).status_code == 200, "it is remembered"
            assert read(account, ("x", token)).status_code == 200
            assert read(account, unattacked.auth).status_code == 200, (
                "this user's password is not guessed"
            )
        rest = [each.result() for each in asked if each.result() not in refused]
    assert len(rest) == _WAITING
    assert {answer.status_code for answer in rest} <= {401, 429}


@pytest.mark.parametrize("name", ["admin", "nobody at all", "n\0ul", "\xff"])
def test_a_wrong_password_is_checked_once(lone: RunningServer, account: Account, name: str) -> None:
    credentials = name, f"wrong {next(_numbers)}"
    assert read(account, credentials).status_code == 401
    with all_slots(lone):
        assert read(account, credentials).status_code == 401
        content = f"{lone.origin}/pulp/content/{account.name}/main/noarch/repodata.json"
        assert requests.get(content, auth=credentials, timeout=60).status_code == 200, "public"


def test_the_api_refuses_guesses_and_serves_those_it_knows(
    lone: RunningServer, account: Account
) -> None:
    token = account.token(scopes=["write"])
    unattacked = new_account(lone)
    guesses = [wrong() for _ in range(3)]
    for guess in guesses:
        assert put(account, auth=guess).status_code == 401
    with all_slots(lone):
        for answer in (
            put(account, auth=wrong()),
            put(account, auth=("nobody", "x")),
            requests.get(f"{lone.origin}/pulp/api/v3/users/", auth=wrong(), timeout=60),
        ):
            assert answer.status_code == 429, answer.text
            assert int(answer.headers["Retry-After"]) > 0
            assert "access token" in answer.text
        assert put(account, auth=guesses[0]).status_code == 401
        assert put(account, auth=account.auth).status_code == 409
        assert put(account, auth=None, headers=bearer(token)).status_code == 409
        assert account.rest.get("conda/tokens/")["count"] >= 1
        assert put(account, auth=unattacked.auth).status_code == 403, "known, and not a publisher"
    assert put(account, auth=wrong()).status_code == 401


def test_a_password_that_was_right_before_is_checked_before_guesses(
    homes: Homes, tmp_path: Path
) -> None:
    home = homes.make(tmp_path / "home", "CONDA_PASSWORD_MEMORY_SECONDS = 0\n")
    server = RunningServer(home, arguments=ONE_OF_EACH).start()
    try:
        account = new_account(server)
        for credentials, status in ((account.auth, 404), (wrong(), 401)):
            assert read(account, credentials).status_code == status
        for _ in range(3):
            assert put(account, auth=wrong()).status_code == 401
        assert account.rest.get("conda/tokens/")["count"] == 0
        with all_slots(server):
            assert read(account, account.auth).status_code == 404
            assert account.rest.get("conda/tokens/")["count"] == 0
            assert put(account, auth=wrong()).status_code == 429
    finally:
        server.stop()
