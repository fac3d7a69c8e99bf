"""Channels by Pulp's REST API: upload, version, publication, distribution, promotion."""

import hashlib
from pathlib import Path

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account
from tests.functional.channels import modify
from tests.functional.clients import install_from, solve_from
from tests.functional.harness import Rest, RunningServer


@pytest.fixture
def repository(rest: Rest, owner: str) -> dict[str, str]:
    created: dict[str, str] = rest.create(
        "repositories/conda/conda/", name=owner, autopublish=False
    )
    return created


def distribute(rest: Rest, owner: str, **served: str) -> dict[str, str]:
    path = owner if "/" in owner else f"{owner}/main"
    created: dict[str, str] = rest.create(
        "distributions/conda/conda/", name=owner, base_path=path, **served
    )
    return created


def test_upload_version_publication_distribution_install(
    rest: Rest, repository: dict[str, str], owner: str, tmp_path: Path
) -> None:
    body = PackageBuilder().file("share/demo.txt", b"hello").conda()
    unit = rest.upload(body, repository=repository["pulp_href"])
    assert unit["name"] == "demo"
    assert unit["record"]["sha256"] == unit["sha256"] == hashlib.sha256(body).hexdigest()
    version = rest.get(repository["pulp_href"])["latest_version_href"]
    publication = rest.create("publications/conda/conda/", repository_version=version)
    distribution = distribute(rest, owner, publication=publication["pulp_href"])
    assert install_from([distribution["base_url"]], ["demo"], tmp_path) == ["demo-1.0-0.conda"]
    assert (tmp_path / "share/demo.txt").read_bytes() == b"hello"


def test_a_distribution_moved_back_serves_the_older_index(
    rest: Rest, repository: dict[str, str], owner: str
) -> None:
    publications = []
    for version in ("1.0", "2.0"):
        rest.upload(PackageBuilder(version=version).conda(), repository=repository["pulp_href"])
        publications.append(
            rest.create("publications/conda/conda/", repository=repository["pulp_href"])
        )
    distribution = distribute(rest, owner, repository=repository["pulp_href"])
    assert solve_from([distribution["base_url"]], ["demo"]) == ["demo-2.0-0.conda"]
    moved = {"publication": publications[0]["pulp_href"], "repository": None}
    rest.wait(rest.request("PATCH", distribution["pulp_href"], json=moved))
    assert solve_from([distribution["base_url"]], ["demo"]) == ["demo-1.0-0.conda"]
    recent = requests.get(f"{distribution['base_url']}noarch/demo-2.0-0.conda", timeout=30)
    assert recent.status_code == 200, "a client may still act on the index it has"


def test_a_distribution_serves_one_version(
    rest: Rest, server: RunningServer, repository: dict[str, str], owner: str
) -> None:
    versions = []
    for version in ("1.0", "2.0"):
        rest.upload(PackageBuilder(version=version).conda(), repository=repository["pulp_href"])
        versions.append(rest.get(repository["pulp_href"])["latest_version_href"])
        rest.create("publications/conda/conda/", repository_version=versions[-1])
    distribute(rest, f"{owner}/fixed", repository_version=versions[0])
    assert solve_from([server.channel(owner, "fixed")], ["demo"]) == ["demo-1.0-0.conda"]
    refused = server.put(f"{server.channel(owner, 'fixed')}/x.conda", PackageBuilder().conda())
    assert refused.status_code == 403
    assert "fixed version" in refused.json()["message"]


def test_promotion_keeps_the_identical_record(
    rest: Rest, repository: dict[str, str], owner: str
) -> None:
    unit = rest.upload(
        PackageBuilder().with_index(custom="kept").conda(), repository=repository["pulp_href"]
    )
    target = rest.create("repositories/conda/conda/", name=f"{owner}-prod")
    modify(rest, target, add_content_units=[unit["pulp_href"]])
    distribution = distribute(rest, f"{owner}-prod", repository=target["pulp_href"])
    document = requests.get(f"{distribution['base_url']}noarch/repodata.json", timeout=30).json()
    (record,) = document["packages.conda"].values()
    assert record.pop("indexed_timestamp"), "the target's own"
    assert record == unit["record"]
    assert unit["record"]["custom"] == "kept"
    assert solve_from([distribution["base_url"]], ["demo"]) == ["demo-1.0-0.conda"]


def test_a_repository_publishes_by_itself_unless_told_not_to(
    rest: Rest, repository: dict[str, str], owner: str
) -> None:
    rest.upload(PackageBuilder().conda(), repository=repository["pulp_href"])
    distribution = distribute(rest, owner, repository=repository["pulp_href"])
    url = f"{distribution['base_url']}noarch/repodata.json"
    assert requests.get(url, timeout=30).json()["packages.conda"] == {}
    rest.request("PATCH", repository["pulp_href"], json={"autopublish": True})
    rest.upload(PackageBuilder(version="2.0").conda(), repository=repository["pulp_href"])
    assert len(requests.get(url, timeout=30).json()["packages.conda"]) == 2


def test_publications_are_found_by_content_once_and_by_those_who_may_see_them(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    url = server.channel(owner)
    for version in ("1.0", "2.0"):
        package = PackageBuilder(owner, version)
        assert server.put(f"{url}/x.conda", package.conda()).status_code == 201
    found = {}
    for version in ("1.0", "2.0"):
        (unit,) = rest.get("content/conda/packages/", name=owner, version=version)["results"]
        for wanted in ("content", "content__in"):
            query = {wanted: unit["pulp_href"], "ordering": "pulp_created"}
            found[version, wanted] = [
                each["repository_version"].split("/")[-2]
                for each in rest.get("publications/conda/conda/", **query)["results"]
            ]
    assert found["1.0", "content"] == found["1.0", "content__in"] == ["1", "2"]
    assert found["2.0", "content"] == found["2.0", "content__in"] == ["2"]
    stranger = new_account(server)
    seen = Rest(server, auth=stranger.auth).get(
        "publications/conda/conda/", content=unit["pulp_href"]
    )
    assert seen["results"] == []


def test_a_removed_package_leaves_the_index_and_stays_fetchable(
    rest: Rest, owner: str, server: RunningServer
) -> None:
    server.put(f"{server.channel(owner)}/x.conda", PackageBuilder().conda())
    server.put(f"{server.channel(owner)}/x.conda", PackageBuilder(version="2.0").conda())
    repository = rest.get("repositories/conda/conda/", name=f"{owner}/main")["results"][0]
    unit = rest.get("content/conda/packages/", repository_version=repository["latest_version_href"],
                    version="1.0")["results"][0]  # fmt: skip
    modify(rest, repository, remove_content_units=[unit["pulp_href"]])
    base = server.channel(owner)
    document = requests.get(f"{base}/noarch/repodata.json", timeout=30).json()
    assert set(document["packages.conda"]) == {"demo-2.0-0.conda"}
    assert requests.get(f"{base}/noarch/demo-1.0-0.conda", timeout=30).status_code == 200


def test_other_bytes_replace_a_file_when_a_version_says_so(
    rest: Rest, repository: dict[str, str]
) -> None:
    first = rest.upload(PackageBuilder().payload(10).conda(), repository=repository["pulp_href"])
    other = rest.upload(PackageBuilder().payload(20).conda())
    clash = {"add_content_units": [first["pulp_href"], other["pulp_href"]]}
    empty = rest.create("repositories/conda/conda/", name=f"{repository['name']}-clash")
    task = rest.wait(
        rest.request("POST", f"{empty['pulp_href']}modify/", json=clash), state="failed"
    )
    assert "noarch/demo-1.0-0.conda" in task["error"]["description"]
    modify(rest, repository, add_content_units=[other["pulp_href"]])
    version = rest.get(repository["pulp_href"])["latest_version_href"]
    held = rest.get("content/conda/packages/", repository_version=version)["results"]
    assert [unit["pulp_href"] for unit in held] == [other["pulp_href"]]


def test_uploads_by_chunks_artifact_and_again(rest: Rest, owner: str) -> None:
    body = PackageBuilder(owner).payload(1000).conda()
    upload = rest.create("uploads/", size=len(body))
    for at in range(0, len(body), 600):
        piece = body[at : at + 600]
        answer = rest.request(
            "PUT",
            upload["pulp_href"],
            files={"file": ("chunk", piece)},
            headers={"Content-Range": f"bytes {at}-{at + len(piece) - 1}/{len(body)}"},
        )
        assert answer.ok, answer.text
    unit = rest.create("content/conda/packages/", upload=upload["pulp_href"])
    assert unit["filename"] == f"{owner}-1.0-0.conda"
    again = rest.create("content/conda/packages/", artifact=unit["artifact"])
    assert again["pulp_href"] == unit["pulp_href"]
    assert rest.upload(body)["pulp_href"] == unit["pulp_href"]


def test_a_bad_upload_fails_with_the_rule(rest: Rest) -> None:
    answer = rest.request(
        "POST",
        "content/conda/packages/",
        files={"file": ("x", PackageBuilder("nAMe").conda())},
    )
    task = rest.wait(answer, state="failed")
    assert "nAMe" in str(task["error"])
    assert "invalid-name" in str(task["error"])


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"name": "{owner}"}, 2),
        ({"name": "{owner}", "subdir": "linux-64"}, 1),
        ({"name__startswith": "{owner}", "version": "2.0"}, 1),
        ({"name": "{owner}", "extension": "tar.bz2"}, 0),
        ({"name": "{owner}", "build_number__gte": 0}, 2),
        ({"name": "{owner}", "license": "MIT"}, 2),
        ({"name": "{owner}", "summary__icontains": "useful"}, 2),
        ({"filename": "{owner}-1.0-0.conda"}, 1),
        ({"name": "{owner}", "summary__icontains": "absent"}, 0),
    ],
)
def test_packages_are_found_by_their_fields(
    rest: Rest, owner: str, filters: dict[str, str], count: int
) -> None:
    for version, subdir in (("1.0", "noarch"), ("2.0", "linux-64")):
        package = PackageBuilder(owner, version).subdir(subdir).with_index(license="MIT")
        rest.upload(package.about(summary="A useful thing").conda())
    wanted = {key: str(value).format(owner=owner) for key, value in filters.items()}
    assert rest.get("content/conda/packages/", **wanted)["count"] == count


def test_labels_are_set_and_found(rest: Rest, owner: str) -> None:
    unit = rest.upload(PackageBuilder(owner).conda())
    label = {"key": owner, "value": "yes"}
    assert rest.request("POST", f"{unit['pulp_href']}set_label/", json=label).status_code == 201
    found = rest.get("content/conda/packages/", pulp_label_select=f"{owner}=yes")
    assert [item["pulp_href"] for item in found["results"]] == [unit["pulp_href"]]


def test_labels_of_a_channel_are_set_and_taken_away(
    rest: Rest, server: RunningServer, owner: str
) -> None:
    server.put(f"{server.channel(owner)}/x.conda", PackageBuilder().conda())
    (distribution,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["results"]
    href = distribution["pulp_href"]
    for action, labels in (("set_label", {"stage": "test"}), ("unset_label", {})):
        body = {"key": "stage", "value": "test"}
        assert rest.request("POST", f"{href}{action}/", json=body).status_code == 201
        assert rest.get(href)["pulp_labels"] == labels
    assert rest.get(href, fields="name") == {"name": f"{owner}/main"}
