"""Removing a file from a channel, and rollback: what clients see."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.channels import (
    delete,
    modify,
    modify_without,
    newest_version,
    packages,
    repository_of,
)
from tests.functional.harness import PASSWORD, Rest, RunningServer
from tests.functional.removals import BODY, FILE, OTHER_BYTES, channel, fetched

__all__ = ["channel"]


@pytest.mark.parametrize("name", [None, "dev", "team/dev", "main"])
def test_a_removed_file_leaves_the_index_and_its_url(
    server: RunningServer, owner: str, name: str | None
) -> None:
    url = server.channel(owner, name)
    for body in (BODY, PackageBuilder(version="2.0").conda()):
        assert server.put(f"{url}/x.conda", body).status_code == 201
    removed = delete(f"{url}/{FILE}")
    assert (removed.status_code, removed.content) == (204, b"")
    assert packages(url) == {"demo-2.0-0.conda"}
    assert fetched(url) is None
    again = delete(f"{url}/{FILE}")
    assert again.status_code == 404
    assert "demo-1.0-0.conda" in again.json()["message"]


def replaced(rest: Rest, owner: str, body: bytes) -> None:
    """Replace a file by other bytes, as an update does."""
    rest.upload(body, repository=repository_of(rest, owner)["pulp_href"])


def test_a_file_that_left_by_other_means_stays_for_a_while_and_can_be_withdrawn(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    before = newest_version(rest, owner)
    repository = repository_of(rest, owner)
    (unit,) = rest.get("content/conda/packages/", repository_version=before, version="1.0")[
        "results"
    ]
    modify(rest, repository, remove_content_units=[unit["pulp_href"]])
    assert packages(channel) == {"demo-2.0-0.conda"}
    assert fetched(channel) == BODY
    before = newest_version(rest, owner)
    assert delete(f"{channel}/{FILE}").status_code == 204
    assert fetched(channel) is None
    assert newest_version(rest, owner) == before, "the index no longer named it"
    assert delete(f"{channel}/{FILE}").status_code == 404


def test_a_replaced_file_is_withdrawn_with_its_replacement(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    replaced(rest, owner, OTHER_BYTES)
    assert fetched(channel) == OTHER_BYTES
    assert delete(f"{channel}/{FILE}").status_code == 204
    assert fetched(channel) is None, "nor the replaced one"
    assert server.put(f"{channel}/x.conda", BODY).status_code == 201
    replaced(rest, owner, OTHER_BYTES)
    modify_without(rest, repository_of(rest, owner), version="1.0")
    assert fetched(channel) == OTHER_BYTES, "the newest after the withdrawal"


def test_a_withdrawal_holds_at_every_url_of_the_repository(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    other = server.channel(owner, "other")
    assert server.put(f"{other}/x.conda", BODY).status_code == 201
    assert server.put(f"{other}/x.conda", PackageBuilder("rest").conda()).status_code == 201
    main, second = (repository_of(rest, owner, name)["pulp_href"] for name in ("main", "other"))
    rest.create(
        "distributions/conda/conda/", name=f"{owner}/too", base_path=f"{owner}/too", repository=main
    )
    too = server.channel(owner, "too")
    assert delete(f"{channel}/{FILE}").status_code == 204
    assert (fetched(channel), fetched(too), fetched(other)) == (None, None, BODY)
    # Also not by the earlier index of a channel that now serves this repository.
    (served,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/other")["results"]
    rest.update(served["pulp_href"], repository=main)
    assert fetched(other) is None
    assert fetched(other, "noarch/rest-1.0-0.conda") is not None
    rest.update(served["pulp_href"], repository=second)
    assert fetched(other) == BODY


def test_deleted_versions_do_not_bring_a_withdrawn_file_back(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    assert delete(f"{channel}/{FILE}").status_code == 204
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
        ("x.conda", BODY),
        ("x.tar.bz2", PackageBuilder().tar_bz2()),
        ("x.conda", PackageBuilder().subdir("linux-64").conda()),
    ):
        assert server.put(f"{url}/{name}", body).status_code == 201
    assert server.put(f"{server.channel(owner, 'dev')}/x.conda", BODY).status_code == 201
    assert delete(f"{url}/{FILE}").status_code == 204
    assert packages(url) == {"demo-1.0-0.tar.bz2"}
    assert packages(url, "linux-64") == {"demo-1.0-0.conda"}
    assert packages(server.channel(owner, "dev")) == {"demo-1.0-0.conda"}


def test_the_same_bytes_may_come_back_at_once(server: RunningServer, channel: str) -> None:
    for _ in range(2):
        assert delete(f"{channel}/{FILE}").status_code == 204
        assert server.put(f"{channel}/x.conda", BODY).status_code == 201
        assert "demo-1.0-0.conda" in packages(channel)


def test_other_bytes_may_take_the_name_at_once(server: RunningServer, channel: str) -> None:
    assert delete(f"{channel}/{FILE}").status_code == 204
    assert server.put(f"{channel}/x.conda", OTHER_BYTES).status_code == 201
    assert fetched(channel) == OTHER_BYTES


def test_an_immutable_name_of_a_removed_file_is_closed_for_a_while(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    repository = repository_of(rest, owner)
    kept = requests.head(f"{channel}/{FILE}", timeout=30).headers["Cache-Control"]
    assert kept == "public, max-age=0, must-revalidate"
    href = repository["pulp_href"]
    rest.update(href, immutable_names=True)
    kept = requests.head(f"{channel}/{FILE}", timeout=30).headers["Cache-Control"]
    assert kept == "public, max-age=604800, immutable"
    forced = requests.post(
        f"{server.origin}/api/channels/{owner}/main/upload/x.conda?force=true",
        data=OTHER_BYTES,
        auth=("admin", PASSWORD),
        timeout=60,
    )
    assert forced.status_code == 409, "not by force either"
    assert delete(f"{channel}/{FILE}").status_code == 204
    before = newest_version(rest, owner)
    refused = server.put(f"{channel}/x.conda", OTHER_BYTES)
    assert refused.status_code == 409
    assert "until a short while ago" in refused.json()["message"]
    assert newest_version(rest, owner) == before
    rest.update(href, immutable_names=False)
    assert server.put(f"{channel}/x.conda", OTHER_BYTES).status_code == 201
    assert requests.get(f"{channel}/{FILE}", timeout=30).content == OTHER_BYTES


def test_without_autopublish_changes_are_seen_once_they_are_published(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    href = repository_of(rest, owner)["pulp_href"]
    rest.update(href, autopublish=False)
    answer = server.put(f"{channel}/x.conda", PackageBuilder("later").conda())
    assert answer.status_code == 201
    assert "once the channel is published" in answer.json()["message"]
    assert server.put(f"{channel}/x.conda", PackageBuilder("later").conda()).status_code == 409
    assert delete(f"{channel}/{FILE}").status_code == 204
    assert packages(channel) == {"demo-1.0-0.conda", "demo-2.0-0.conda"}
    assert fetched(channel) == BODY, "what the index names is served"
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


def test_a_new_version_from_an_old_one_brings_the_file_back(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    before = newest_version(rest, owner)
    assert delete(f"{channel}/{FILE}").status_code == 204
    modify(rest, repository_of(rest, owner), base_version=before)
    assert "demo-1.0-0.conda" in packages(channel)
    assert fetched(channel) == BODY
    assert "already exists" in server.put(f"{channel}/x.conda", OTHER_BYTES).json()["message"]
    assert delete(f"{channel}/{FILE}").status_code == 204
    assert packages(channel) == {"demo-2.0-0.conda"}


def test_the_name_of_a_file_that_a_rollback_removed_is_retired(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    url = server.channel(owner)
    assert server.put(f"{url}/x.conda", PackageBuilder(version="2.0").conda()).ok
    before = newest_version(rest, owner)
    immutable = {"immutable_names": True}
    href = repository_of(rest, owner)["pulp_href"]
    rest.wait(rest.request("PATCH", href, json=immutable))
    assert server.put(f"{url}/x.conda", BODY).ok
    modify(rest, repository_of(rest, owner), base_version=before)
    assert server.put(f"{url}/x.conda", OTHER_BYTES).status_code == 409
    assert server.put(f"{url}/x.conda", BODY).status_code == 201


def test_an_old_publication_brings_the_file_back(rest: Rest, owner: str, channel: str) -> None:
    publications = rest.get("publications/conda/conda/", ordering="-pulp_created")["results"]
    (publication,) = [
        found["pulp_href"]
        for found in publications
        if found["repository_version"] == newest_version(rest, owner)
    ]
    assert delete(f"{channel}/{FILE}").status_code == 204
    (distribution,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["results"]
    pinned = {"publication": publication, "repository": None}
    rest.wait(rest.request("PATCH", distribution["pulp_href"], json=pinned))
    assert "demo-1.0-0.conda" in packages(channel)
    before = newest_version(rest, owner)
    refused = delete(f"{channel}/{FILE}")
    assert refused.status_code == 403
    assert "fixed version" in refused.json()["message"]
    assert newest_version(rest, owner) == before


# Half-done and at once -----------------------------------------------------------------------
