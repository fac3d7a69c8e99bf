"""The right to remove a file from a channel, and the answers to users without it."""

from urllib.parse import urlsplit

import pytest

from tests.functional.accounts import bearer, new_account, owner_href
from tests.functional.channels import delete, newest_version, packages, repository_of
from tests.functional.harness import Rest, RunningServer
from tests.functional.removals import BODY, FILE, channel

__all__ = ["channel"]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("conda.channel_reader", 403),
        ("conda.channel_publisher", 403),
        ("conda.channel_maintainer", 204),
        ("conda.channel_owner", 204),
    ],
)
@pytest.mark.parametrize("scope", ["channel", "owner"])
def test_removing_requires_a_maintainer(
    server: RunningServer,
    rest: Rest,
    owner: str,
    channel: str,
    role: str,
    expected: int,
    scope: str,
) -> None:
    account = new_account(server)
    if scope == "owner":
        account.give(role, owner_href(rest, owner))
    else:
        account.give(role, repository_of(rest, owner)["pulp_href"])
    before = newest_version(rest, owner)
    assert delete(f"{channel}/{FILE}", account.auth).status_code == expected
    assert (newest_version(rest, owner) == before) is (expected == 403)
    assert ("demo-1.0-0.conda" in packages(channel)) is (expected == 403)


def test_strangers_learn_nothing_and_remove_nothing(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    stranger = new_account(server)
    before = newest_version(rest, owner)
    for path in (FILE, "noarch/absent-1.0-0.conda"):
        anonymous = delete(f"{channel}/{path}", None)
        assert anonymous.status_code == 401
        assert "Basic" in anonymous.headers["WWW-Authenticate"]
        assert delete(f"{channel}/{path}", (stranger.name, "wrong")).status_code == 401
        refused = delete(f"{channel}/{path}", stranger.auth)
        assert refused.status_code == 403
        assert set(refused.json()) == {"reason", "message"}
    assert delete(f"{server.channel(owner, 'absent')}/{FILE}", stranger.auth).status_code == 403
    assert newest_version(rest, owner) == before


def test_a_token_needs_the_scope_delete(server: RunningServer, rest: Rest) -> None:
    account = new_account(server)
    url = server.channel(account.name)
    assert server.put(f"{url}/x.conda", BODY, auth=account.auth).ok
    before = newest_version(rest, account.name)
    for fields in ({"scopes": ["read", "write"]}, {"scopes": ["delete"], "bound_to": ["other"]}):
        token = account.token(**fields)
        assert delete(f"{url}/{FILE}", None, headers=bearer(token)).status_code == 403
    assert newest_version(rest, account.name) == before
    token = account.token(scopes=["delete"])
    assert delete(f"{url}/{FILE}", None, headers=bearer(token)).status_code == 204


@pytest.mark.parametrize("shape", ["{origin}/t/{token}{path}", "{origin}{head}/t/{token}{tail}"])
def test_the_token_may_be_in_the_url(server: RunningServer, owner: str, shape: str) -> None:
    account = new_account(server)
    url = server.channel(account.name, "dev")
    assert server.put(f"{url}/x.conda", BODY, auth=account.auth).ok
    base = urlsplit(url)

    def place(token: str) -> str:
        return shape.format(
            origin=f"{base.scheme}://{base.netloc}",
            token=token,
            path=base.path,
            head=base.path[: base.path.index("/conda/") + 6],
            tail="/dev",
        )

    assert delete(f"{place('pct-' + 48 * '0')}/{FILE}", None).status_code == 401
    assert delete(f"{place(account.token(scopes=['read']))}/{FILE}", None).status_code == 403
    assert delete(f"{place(account.token(scopes=['delete']))}/{FILE}", None).status_code == 204
    assert packages(url) == set()


def test_removing_an_absent_file_is_404(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    before = newest_version(rest, owner)
    for url in (
        f"{channel}/noarch/absent-1.0-0.conda",
        f"{channel}/linux-64/demo-1.0-0.conda",
        f"{channel}/noarch/repodata.json",
        f"{channel}/demo-1.0-0.conda",
        f"{server.channel(owner, 'absent')}/{FILE}",
        f"{server.channel(owner, 'Bad!')}/{FILE}",
    ):
        answer = delete(url)
        assert answer.status_code == 404, url
        assert set(answer.json()) == {"reason", "message"}
    assert newest_version(rest, owner) == before
    assert rest.get("repositories/conda/conda/", name=f"{owner}/absent")["count"] == 0


def test_with_domains_the_owner_is_the_domain(domain_server: RunningServer) -> None:
    url = domain_server.channel("default", "removal")
    assert domain_server.put(f"{url}/x.conda", BODY).status_code == 201
    assert delete(f"{url}/{FILE}").status_code == 204
    assert packages(url) == set()
    assert delete(f"{domain_server.channel('nowhere', 'removal')}/{FILE}").status_code == 404
