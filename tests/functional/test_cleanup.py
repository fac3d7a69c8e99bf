"""Clean-up removes what a channel no longer needs, and keeps everything that is still named."""

from typing import Any

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account
from tests.functional.harness import Rest, RunningServer


def put(server: RunningServer, owner: str, *packages: PackageBuilder) -> None:
    for package in packages:
        answer = server.put(f"{server.channel(owner)}/x.conda", package.conda())
        assert answer.status_code == 201, answer.text


def repository(rest: Rest, owner: str) -> dict[str, Any]:
    (found,) = rest.get("repositories/conda/conda/", name=f"{owner}/main")["results"]
    return dict(found)


def versions(rest: Rest, owner: str) -> list[int]:
    found = rest.get(repository(rest, owner)["versions_href"], limit=100)["results"]
    return sorted(version["number"] for version in found)


def clean_up(rest: Rest, owner: str) -> dict[str, int]:
    """Clean up a channel and return how many of each kind were removed."""
    task = rest.wait(rest.request("POST", f"{repository(rest, owner)['pulp_href']}cleanup/"))
    return {report["code"]: report["done"] for report in task["progress_reports"]}


def retain(rest: Rest, owner: str, number: int) -> None:
    href = repository(rest, owner)["pulp_href"]
    rest.update(href, retain_repo_versions=number)


def test_uploads_leave_as_many_versions_as_are_retained(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    put(server, owner, PackageBuilder("first"))
    retain(rest, owner, 2)
    put(server, owner, *(PackageBuilder(f"demo{number}") for number in range(4)))
    clean_up(rest, owner)  # after those that the uploads began
    # The newest is served. Two are retained besides the protected ones.
    assert versions(rest, owner) == [3, 4, 5]
    (publications,) = [
        rest.get("publications/conda/conda/", repository=repository(rest, owner)["pulp_href"])
    ]
    assert publications["count"] == 3
    put(server, owner, PackageBuilder("last"))
    url = f"{server.channel(owner)}/noarch"
    names = requests.get(f"{url}/repodata.json", timeout=30).json()["packages.conda"]
    assert len(names) == 6
    assert all(requests.get(f"{url}/{name}", timeout=30).ok for name in names)


_AGE = """
from datetime import timedelta
from django.utils.timezone import now
from pulp_conda.app.models import CondaShard
of = CondaShard.objects.filter(repository__name={name!r})
of.filter(superseded__isnull=False).update(superseded=now() - timedelta(seconds={seconds}))
"""
_SHARDS = """
from pulp_conda.app.models import CondaShard
of = CondaShard.objects.filter(repository__name={name!r})
print(",".join(f"{{s.name}}:{{s.added}}-{{s.removed}}" for s in of.order_by("id")))
"""
_WEEK = 7 * 24 * 3600


def test_shards_stay_for_a_week_and_as_long_as_an_index_names_them(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    name = f"{owner}/main"

    def shards() -> list[str]:
        return server.shell(_SHARDS.format(name=name)).strip().split(",")

    put(server, owner, PackageBuilder("a"), PackageBuilder("b"))
    put(server, owner, *(PackageBuilder("a", f"{number}") for number in (2, 3, 4)))
    everything = ["a:1-3", "b:2-None", "a:3-4", "a:4-5", "a:5-None"]
    assert shards() == everything
    server.shell(_AGE.format(name=name, seconds=2 * _WEEK))
    assert clean_up(rest, owner)["conda.cleanup.shards"] == 0, "publications name them all"
    retain(rest, owner, 1)
    clean_up(rest, owner)  # the one that this started, if that has yet to start
    assert clean_up(rest, owner) == {"conda.cleanup.versions": 0, "conda.cleanup.shards": 0}
    assert versions(rest, owner) == [4, 5]
    assert shards() == ["b:2-None", "a:4-5", "a:5-None"]


def test_young_shards_outlive_their_index(server: RunningServer, rest: Rest, owner: str) -> None:
    put(server, owner, *(PackageBuilder("a", f"{number}") for number in range(4)))
    retain(rest, owner, 1)
    clean_up(rest, owner)
    name = f"{owner}/main"
    digest = server.shell(_SHARDS.format(name=name) + "print(of.order_by('id')[0].digest)")
    old = f"{server.channel(owner)}/noarch/shards/{digest.split()[-1]}.msgpack.zst"
    assert requests.get(old, timeout=30).status_code == 200
    count = "print(of.count())"
    assert server.shell(_SHARDS.format(name=name) + count).split()[-1] == "4"
    server.shell(_AGE.format(name=name, seconds=_WEEK + 60))
    assert requests.get(old, timeout=30).status_code == 404
    assert clean_up(rest, owner)["conda.cleanup.shards"] == 2


def test_documents_go_with_their_publication_and_not_before(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    put(server, owner, *(PackageBuilder("a", f"{number}") for number in range(3)))
    documents = [
        "noarch/repodata.json", "noarch/repodata.json.zst", "noarch/current_repodata.json"
    ]  # fmt: skip
    base = f"{server.origin}/pulp/content/{owner}/main"
    before = [requests.get(f"{base}/{path}", timeout=30).content for path in documents]
    retain(rest, owner, 1)
    clean_up(rest, owner)
    stored = rest.get("artifacts/", limit=1)["count"]
    orphans = {"orphan_protection_time": 0}
    rest.wait(rest.request("POST", "orphans/cleanup/", json=orphans))
    assert rest.get("artifacts/", limit=1)["count"] < stored
    assert [requests.get(f"{base}/{path}", timeout=30).content for path in documents] == before
    put(server, owner, PackageBuilder("b"))


@pytest.mark.parametrize(
    ("role", "expected"), [("conda.channel_publisher", 403), ("conda.channel_maintainer", 202)]
)
def test_maintainers_clean_up(
    server: RunningServer, rest: Rest, owner: str, role: str, expected: int
) -> None:
    put(server, owner, PackageBuilder())
    account = new_account(server)
    href = repository(rest, owner)["pulp_href"]
    account.give(role, href)
    assert account.rest.request("POST", f"{href}cleanup/").status_code == expected


_SCHEDULED = """
from pulpcore.plugin.models import TaskSchedule
(schedule,) = TaskSchedule.objects.filter(task_name__startswith="pulp_conda.app.tasks.cleanup")
print(schedule.task_name, schedule.dispatch_interval.days)
from django_guid import set_guid
from pulp_conda.app.tasks import clean_up_all
from pulp_conda.app.models import CondaRepository
CondaRepository.objects.filter(name={name!r}).update(retain_repo_versions=1)
set_guid("0123456789abcdef")
clean_up_all()
"""


def test_every_day_all_channels_are_cleaned_up(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    put(server, owner, *(PackageBuilder("a", f"{number}") for number in range(4)))
    shown = server.shell(_SCHEDULED.format(name=f"{owner}/main")).split()
    assert shown == ["pulp_conda.app.tasks.cleanup.clean_up_all", "1"]
    clean_up(rest, owner)  # after the one that was started
    assert versions(rest, owner) == [3, 4]
