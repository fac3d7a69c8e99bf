"""Removing one file from a channel: what its clients see, who may, and races."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from urllib.parse import urlsplit

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import bearer, new_account, owner_href
from tests.functional.channels import delete, modify, newest_version, packages, repository_of
from tests.functional.harness import PASSWORD, PATIENCE_SECONDS, Rest, RunningServer

_FILE = "noarch/demo-1.0-0.conda"
_BODY = PackageBuilder().conda()
_OTHER_BYTES = PackageBuilder().payload(300).conda()


@pytest.fixture
def channel(server: RunningServer, owner: str) -> str:
    """A channel with one package in two versions."""
    url = server.channel(owner)
    for version in ("1.0", "2.0"):
        body = PackageBuilder(version=version).conda()
        assert server.put(f"{url}/x.conda", body).status_code == 201
    return url


# What clients see ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [None, "dev", "team/dev", "main"])
def test_a_removed_file_leaves_the_index_and_its_url(
    server: RunningServer, owner: str, name: str | None
) -> None:
    url = server.channel(owner, name)
    for body in (_BODY, PackageBuilder(version="2.0").conda()):
        assert server.put(f"{url}/x.conda", body).status_code == 201
    removed = delete(f"{url}/{_FILE}")
    assert (removed.status_code, removed.content) == (204, b"")
    assert packages(url) == {"demo-2.0-0.conda"}
    assert fetched(url) is None
    again = delete(f"{url}/{_FILE}")
    assert again.status_code == 404
    assert "demo-1.0-0.conda" in again.json()["message"]


def fetched(url: str, path: str = _FILE) -> bytes | None:
    """Return a file as anybody gets it, None where its URL is 404."""
    answer = requests.get(f"{url}/{path}", timeout=30)
    assert answer.status_code in (200, 404)
    return answer.content if answer.ok else None


def replaced(rest: Rest, owner: str, body: bytes) -> None:
    """Put other bytes in the place of a file, as an update does."""
    rest.upload(body, repository=repository_of(rest, owner)["pulp_href"])


def test_what_anything_else_takes_out_stays_for_a_while_and_can_be_withdrawn(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    before = newest_version(rest, owner)
    repository = repository_of(rest, owner)
    (unit,) = rest.get("content/conda/packages/", repository_version=before, version="1.0")[
        "results"
    ]
    modify(rest, repository, remove_content_units=[unit["pulp_href"]])
    assert packages(channel) == {"demo-2.0-0.conda"}
    assert fetched(channel) == _BODY
    before = newest_version(rest, owner)
    assert delete(f"{channel}/{_FILE}").status_code == 204
    assert fetched(channel) is None
    assert newest_version(rest, owner) == before, "the index did not name it any more"
    assert delete(f"{channel}/{_FILE}").status_code == 404


def test_a_file_that_another_took_the_place_of_is_withdrawn_with_it(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    replaced(rest, owner, _OTHER_BYTES)
    assert fetched(channel) == _OTHER_BYTES
    assert delete(f"{channel}/{_FILE}").status_code == 204
    assert fetched(channel) is None, "nor the one before"
    assert server.put(f"{channel}/x.conda", _BODY).status_code == 201
    replaced(rest, owner, _OTHER_BYTES)
    (unit,) = rest.get(
        "content/conda/packages/",
        repository_version=newest_version(rest, owner),
        version="1.0",
    )["results"]
    modify(rest, repository_of(rest, owner), remove_content_units=[unit["pulp_href"]])
    assert fetched(channel) == _OTHER_BYTES, "what came after the withdrawal, the newest of it"


def test_a_withdrawal_holds_at_every_url_of_the_repository(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    other = server.channel(owner, "other")
    assert server.put(f"{other}/x.conda", _BODY).status_code == 201
    assert server.put(f"{other}/x.conda", PackageBuilder("rest").conda()).status_code == 201
    main, second = (repository_of(rest, owner, name)["pulp_href"] for name in ("main", "other"))
    rest.create(
        "distributions/conda/conda/", name=f"{owner}/too", base_path=f"{owner}/too", repository=main
    )
    too = server.channel(owner, "too")
    assert delete(f"{channel}/{_FILE}").status_code == 204
    assert (fetched(channel), fetched(too), fetched(other)) == (None, None, _BODY)
    # Nor by what a channel served before it was pointed at the repository.
    (served,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/other")["results"]
    rest.update(served["pulp_href"], repository=main)
    assert fetched(other) is None
    assert fetched(other, "noarch/rest-1.0-0.conda") is not None
    rest.update(served["pulp_href"], repository=second)
    assert fetched(other) == _BODY


def test_deleted_versions_do_not_bring_a_withdrawn_file_back(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    assert delete(f"{channel}/{_FILE}").status_code == 204
    withdrawing = newest_version(rest, owner)
    assert server.put(f"{channel}/x.conda", PackageBuilder("rest").conda()).status_code == 201
    rest.wait(rest.request("DELETE", withdrawing))
    assert fetched(channel) is None
    assert fetched(channel, "noarch/demo-2.0-0.conda") is not None


def test_the_last_file_of_a_subdir_leaves_an_empty_index(server: RunningServer, owner: str) -> None:
    url = server.channel(owner)
    assert server.put(f"{url}/x.conda", PackageBuilder().subdir("linux-64").conda()).ok
    assert delete(f"{url}/linux-64/demo-1.0-0.conda").status_code == 204
    assert packages(url) == set()
    assert packages(url, "linux-64") == set()


def test_only_the_named_file_is_removed(server: RunningServer, owner: str) -> None:
    url = server.channel(owner)
    for name, body in (
        ("x.conda", _BODY),
        ("x.tar.bz2", PackageBuilder().tar_bz2()),
        ("x.conda", PackageBuilder().subdir("linux-64").conda()),
    ):
        assert server.put(f"{url}/{name}", body).status_code == 201
    assert server.put(f"{server.channel(owner, 'dev')}/x.conda", _BODY).status_code == 201
    assert delete(f"{url}/{_FILE}").status_code == 204
    assert packages(url) == {"demo-1.0-0.tar.bz2"}
    assert packages(url, "linux-64") == {"demo-1.0-0.conda"}
    assert packages(server.channel(owner, "dev")) == {"demo-1.0-0.conda"}


def test_the_same_bytes_may_come_back_at_once(server: RunningServer, channel: str) -> None:
    for _ in range(2):
        assert delete(f"{channel}/{_FILE}").status_code == 204
        assert server.put(f"{channel}/x.conda", _BODY).status_code == 201
        assert "demo-1.0-0.conda" in packages(channel)


def test_other_bytes_may_take_the_name_at_once(server: RunningServer, channel: str) -> None:
    assert delete(f"{channel}/{_FILE}").status_code == 204
    assert server.put(f"{channel}/x.conda", _OTHER_BYTES).status_code == 201
    assert fetched(channel) == _OTHER_BYTES


def test_where_names_are_immutable_other_bytes_wait(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    repository = repository_of(rest, owner)
    kept = requests.head(f"{channel}/{_FILE}", timeout=30).headers["Cache-Control"]
    assert kept == "public, max-age=0, must-revalidate"
    href = repository["pulp_href"]
    rest.update(href, immutable_names=True)
    kept = requests.head(f"{channel}/{_FILE}", timeout=30).headers["Cache-Control"]
    assert kept == "public, max-age=604800, immutable"
    forced = requests.post(
        f"{server.origin}/api/channels/{owner}/main/upload/x.conda?force=true",
        data=_OTHER_BYTES,
        auth=("admin", PASSWORD),
        timeout=60,
    )
    assert forced.status_code == 409, "not by force either"
    assert delete(f"{channel}/{_FILE}").status_code == 204
    before = newest_version(rest, owner)
    refused = server.put(f"{channel}/x.conda", _OTHER_BYTES)
    assert refused.status_code == 409
    assert "until a short while ago" in refused.json()["message"]
    assert newest_version(rest, owner) == before
    rest.update(href, immutable_names=False)
    assert server.put(f"{channel}/x.conda", _OTHER_BYTES).status_code == 201
    assert requests.get(f"{channel}/{_FILE}", timeout=30).content == _OTHER_BYTES


def test_without_autopublish_nothing_is_seen_before_it_is_published(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    href = repository_of(rest, owner)["pulp_href"]
    rest.update(href, autopublish=False)
    answer = server.put(f"{channel}/x.conda", PackageBuilder("later").conda())
    assert answer.status_code == 201
    assert "once the channel is published" in answer.json()["message"]
    assert server.put(f"{channel}/x.conda", PackageBuilder("later").conda()).status_code == 409
    assert delete(f"{channel}/{_FILE}").status_code == 204
    assert packages(channel) == {"demo-1.0-0.conda", "demo-2.0-0.conda"}
    assert fetched(channel) == _BODY, "what the index names is served"
    assert fetched(channel, "noarch/later-1.0-0.conda") is None
    rest.create("publications/conda/conda/", repository=href)
    assert packages(channel) == {"demo-2.0-0.conda", "later-1.0-0.conda"}
    assert fetched(channel) is None
    assert fetched(channel, "noarch/later-1.0-0.conda") is not None


def test_a_channel_whose_repository_was_deleted_takes_a_new_one(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    rest.wait(rest.request("DELETE", repository_of(rest, owner)["pulp_href"]))
    with ThreadPoolExecutor(2) as pool:
        bodies = [PackageBuilder(name).conda() for name in ("a", "b")]
        answers = list(pool.map(lambda body: server.put(f"{channel}/x.conda", body), bodies))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert packages(channel) == {"a-1.0-0.conda", "b-1.0-0.conda"}
    assert rest.get("repositories/conda/conda/", name__startswith=f"{owner}/")["count"] == 1


# Rollback ------------------------------------------------------------------------------------


def test_a_new_version_from_an_old_one_brings_the_file_back(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    before = newest_version(rest, owner)
    assert delete(f"{channel}/{_FILE}").status_code == 204
    modify(rest, repository_of(rest, owner), base_version=before)
    assert "demo-1.0-0.conda" in packages(channel)
    assert fetched(channel) == _BODY
    assert "already exists" in server.put(f"{channel}/x.conda", _OTHER_BYTES).json()["message"]
    assert delete(f"{channel}/{_FILE}").status_code == 204
    assert packages(channel) == {"demo-2.0-0.conda"}


def test_a_file_that_rollback_took_away_leaves_its_name_retired(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    url = server.channel(owner)
    assert server.put(f"{url}/x.conda", PackageBuilder(version="2.0").conda()).ok
    before = newest_version(rest, owner)
    immutable = {"immutable_names": True}
    href = repository_of(rest, owner)["pulp_href"]
    rest.wait(rest.request("PATCH", href, json=immutable))
    assert server.put(f"{url}/x.conda", _BODY).ok
    modify(rest, repository_of(rest, owner), base_version=before)
    assert server.put(f"{url}/x.conda", _OTHER_BYTES).status_code == 409
    assert server.put(f"{url}/x.conda", _BODY).status_code == 201


def test_an_old_publication_brings_the_file_back(rest: Rest, owner: str, channel: str) -> None:
    publications = rest.get("publications/conda/conda/", ordering="-pulp_created")["results"]
    (publication,) = [
        found["pulp_href"]
        for found in publications
        if found["repository_version"] == newest_version(rest, owner)
    ]
    assert delete(f"{channel}/{_FILE}").status_code == 204
    (distribution,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["results"]
    pinned = {"publication": publication, "repository": None}
    rest.wait(rest.request("PATCH", distribution["pulp_href"], json=pinned))
    assert "demo-1.0-0.conda" in packages(channel)
    before = newest_version(rest, owner)
    refused = delete(f"{channel}/{_FILE}")
    assert refused.status_code == 403
    assert "fixed version" in refused.json()["message"]
    assert newest_version(rest, owner) == before


# Who may -------------------------------------------------------------------------------------


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
def test_removing_takes_a_maintainer(
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
    assert delete(f"{channel}/{_FILE}", account.auth).status_code == expected
    assert (newest_version(rest, owner) == before) is (expected == 403)
    assert ("demo-1.0-0.conda" in packages(channel)) is (expected == 403)


def test_strangers_learn_nothing_and_remove_nothing(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    stranger = new_account(server)
    before = newest_version(rest, owner)
    for path in (_FILE, "noarch/absent-1.0-0.conda"):
        anonymous = delete(f"{channel}/{path}", None)
        assert anonymous.status_code == 401
        assert "Basic" in anonymous.headers["WWW-Authenticate"]
        assert delete(f"{channel}/{path}", (stranger.name, "wrong")).status_code == 401
        refused = delete(f"{channel}/{path}", stranger.auth)
        assert refused.status_code == 403
        assert set(refused.json()) == {"reason", "message"}
    assert delete(f"{server.channel(owner, 'absent')}/{_FILE}", stranger.auth).status_code == 403
    assert newest_version(rest, owner) == before


def test_a_token_needs_the_scope_delete(server: RunningServer, rest: Rest) -> None:
    account = new_account(server)
    url = server.channel(account.name)
    assert server.put(f"{url}/x.conda", _BODY, auth=account.auth).ok
    before = newest_version(rest, account.name)
    for fields in ({"scopes": ["read", "write"]}, {"scopes": ["delete"], "bound_to": ["other"]}):
        token = account.token(**fields)
        assert delete(f"{url}/{_FILE}", None, headers=bearer(token)).status_code == 403
    assert newest_version(rest, account.name) == before
    token = account.token(scopes=["delete"])
    assert delete(f"{url}/{_FILE}", None, headers=bearer(token)).status_code == 204


@pytest.mark.parametrize("shape", ["{origin}/t/{token}{path}", "{origin}{head}/t/{token}{tail}"])
def test_the_token_may_stand_in_the_url(server: RunningServer, owner: str, shape: str) -> None:
    account = new_account(server)
    url = server.channel(account.name, "dev")
    assert server.put(f"{url}/x.conda", _BODY, auth=account.auth).ok
    base = urlsplit(url)

    def place(token: str) -> str:
        return shape.format(
            origin=f"{base.scheme}://{base.netloc}",
            token=token,
            path=base.path,
            head=base.path[: base.path.index("/conda/") + 6],
            tail="/dev",
        )

    assert delete(f"{place('pct-' + 48 * '0')}/{_FILE}", None).status_code == 401
    assert delete(f"{place(account.token(scopes=['read']))}/{_FILE}", None).status_code == 403
    assert delete(f"{place(account.token(scopes=['delete']))}/{_FILE}", None).status_code == 204
    assert packages(url) == set()


def test_what_is_not_there_is_404(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    before = newest_version(rest, owner)
    for url in (
        f"{channel}/noarch/absent-1.0-0.conda",
        f"{channel}/linux-64/demo-1.0-0.conda",
        f"{channel}/noarch/repodata.json",
        f"{channel}/demo-1.0-0.conda",
        f"{server.channel(owner, 'absent')}/{_FILE}",
        f"{server.channel(owner, 'Bad!')}/{_FILE}",
    ):
        answer = delete(url)
        assert answer.status_code == 404, url
        assert set(answer.json()) == {"reason", "message"}
    assert newest_version(rest, owner) == before
    assert rest.get("repositories/conda/conda/", name=f"{owner}/absent")["count"] == 0


def test_with_domains_the_owner_is_the_domain(domain_server: RunningServer) -> None:
    url = domain_server.channel("default", "removal")
    assert domain_server.put(f"{url}/x.conda", _BODY).status_code == 201
    assert delete(f"{url}/{_FILE}").status_code == 204
    assert packages(url) == set()
    assert delete(f"{domain_server.channel('nowhere', 'removal')}/{_FILE}").status_code == 404


# Half-done and at once -----------------------------------------------------------------------


def test_a_removal_that_died_before_its_index_is_completed(
    rest: Rest, owner: str, channel: str
) -> None:
    repository = repository_of(rest, owner)
    rest.update(repository["pulp_href"], autopublish=False)
    (unit,) = rest.get(
        "content/conda/packages/",
        repository_version=repository["latest_version_href"],
        version="1.0",
    )["results"]
    modify(rest, repository, remove_content_units=[unit["pulp_href"]])
    half_done = newest_version(rest, owner)
    assert "demo-1.0-0.conda" in packages(channel)
    rest.update(repository["pulp_href"], autopublish=True)
    assert delete(f"{channel}/{_FILE}").status_code == 204
    assert packages(channel) == {"demo-2.0-0.conda"}
    assert newest_version(rest, owner) == half_done, "the version was there already"


def test_one_file_removed_by_many_at_once(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    before = newest_version(rest, owner)
    with ThreadPoolExecutor(8) as pool:
        statuses = [a.status_code for a in pool.map(delete, [f"{channel}/{_FILE}"] * 8)]
    assert 204 in statuses
    assert set(statuses) <= {204, 404}
    assert packages(channel) == {"demo-2.0-0.conda"}
    assert _number(newest_version(rest, owner)) == _number(before) + 1


def test_many_files_removed_at_once_are_all_gone(server: RunningServer, owner: str) -> None:
    url = server.channel(owner)
    files = [PackageBuilder(f"demo{number}") for number in range(6)]
    for package in files:
        assert server.put(f"{url}/x.conda", package.conda()).status_code == 201

    def remove(package: PackageBuilder) -> int:
        answer = delete(f"{url}/noarch/{package.filename}")
        while answer.status_code == 503:  # only half of the API's processes wait for one channel
            time.sleep(int(answer.headers["Retry-After"]))
            answer = delete(f"{url}/noarch/{package.filename}")
        assert package.filename not in packages(url), "204 means that the index is rid of it"
        return answer.status_code

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(remove, files)) == [204] * 6
    assert packages(url) == set()


def test_removing_and_uploading_one_name_at_once(
    server: RunningServer, owner: str, channel: str
) -> None:
    def put(_: int) -> int:
        return server.put(f"{channel}/x.conda", _BODY).status_code

    def remove(_: int) -> int:
        return delete(f"{channel}/{_FILE}").status_code

    actions: list[Callable[[int], int]] = [put, remove, remove] * 5
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda action: (action.__name__, action(0)), actions))
    assert {code for name, code in answers if name == "put"} <= {201, 409}
    assert {code for name, code in answers if name == "remove"} <= {204, 404}
    there = "demo-1.0-0.conda" in packages(channel)
    assert put(0) == (409 if there else 201)
    assert remove(0) == 204


_COMMIT_REMOVALS = """
from datetime import timedelta
from django.utils.timezone import now
from pulpcore.app.contexts import with_task_context
from pulpcore.plugin.models import Task
from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.models import REMOVAL, CondaRepository, PendingChange
repository = CondaRepository.objects.get()
selection = {"subdir": "noarch", "filename": "demo-1.0-0.conda"}
with with_task_context(Task.objects.create(name="a removal", state="running")):
    for newest, seconds in ((1, -1), (0, 60), (1, 60), (1, 60)):
        PendingChange.objects.create(
            repository=repository,
            kind=REMOVAL,
            payload={"selection": selection, "newest": newest},
            expires=now() + timedelta(seconds=seconds),
        )
        commit_pending(repository)
        print(repository.latest_version().number)
"""


def test_a_removals_task_that_comes_late_or_twice_does_no_harm(own_server: RunningServer) -> None:
    url = own_server.channel("acme")
    assert own_server.put(f"{url}/x.conda", _BODY).status_code == 201
    numbers = own_server.shell(_COMMIT_REMOVALS).split()
    assert numbers == ["1", "1", "2", "2"], "expired; uploaded since; removed; nothing left"
    assert packages(url) == set()


def test_processes_killed_during_removals(own_server: RunningServer) -> None:
    url = own_server.channel("acme")
    files = [PackageBuilder(f"demo{number}") for number in range(8)]
    for package in files:
        assert own_server.put(f"{url}/x.conda", package.conda()).status_code == 201

    def remove(package: PackageBuilder) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                code = delete(f"{url}/noarch/{package.filename}").status_code
            except requests.ConnectionError:
                code = 503
            if code in (204, 404):
                return
            assert code in (502, 503)
            time.sleep(0.3)
        raise AssertionError(f"{package.filename} could not be removed")

    with ThreadPoolExecutor(4) as pool:
        removals = [pool.submit(remove, package) for package in files]
        for done, removal in enumerate(as_completed(removals), 1):
            removal.result()
            if victim := {1: "api", 3: "worker"}.get(done):
                own_server.kill(victim)
    assert packages(url) == set()


def _number(version_href: str) -> int:
    return int(version_href.rstrip("/").rpartition("/")[2])
