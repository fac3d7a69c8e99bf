"""Making, filling and reading channels, and their repositories and versions, in tests."""

from typing import Any

import requests

from tests.builders import PackageBuilder
from tests.functional.harness import PASSWORD, PATIENCE_SECONDS, Rest, RunningServer


def packages(url: str, subdir: str = "noarch") -> set[str]:
    """Return the file names in a subdir's repodata."""
    document = repodata(url, subdir)
    return {*document["packages"], *document["packages.conda"]}


def delete(
    url: str, auth: tuple[str, str] | None = ("admin", PASSWORD), **kwargs: Any
) -> requests.Response:
    """Send DELETE, as the admin by default."""
    return requests.delete(url, auth=auth, timeout=PATIENCE_SECONDS, **kwargs)


def repository_of(rest: Rest, owner: str, channel: str = "main") -> dict[str, Any]:
    """Return the repository behind a channel."""
    (found,) = rest.get("repositories/conda/conda/", name=f"{owner}/{channel}")["results"]
    repository: dict[str, Any] = found
    return repository


def newest_version(rest: Rest, owner: str, channel: str = "main") -> str:
    """Return the newest version of a channel, which a refused request must not change."""
    href: str = repository_of(rest, owner, channel)["latest_version_href"]
    return href


def modify(rest: Rest, repository: dict[str, Any], **body: Any) -> None:
    """Make a new version of a repository by Pulp's own API."""
    rest.wait(rest.request("POST", f"{repository['pulp_href']}modify/", json=body))


def modify_without(rest: Rest, repository: dict[str, Any], **package: str) -> None:
    """Make a new version without one package, by Pulp's own API."""
    (unit,) = rest.get(
        "content/conda/packages/",
        repository_version=repository["latest_version_href"],
        **package,
    )["results"]
    modify(rest, repository, remove_content_units=[unit["pulp_href"]])


def private_channel(server: RunningServer, owner: str, *, hidden: bool = False) -> str:
    """Make a channel that only users with a role on its owner may read."""
    rest = Rest(server)
    url = server.channel(owner)
    assert server.put(f"{url}/x.conda", PackageBuilder().conda()).status_code == 201
    guard = rest.create("contentguards/conda/conda/", name=f"guard of {owner}", hidden=hidden)
    (distribution,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["results"]
    body = {"content_guard": guard["pulp_href"]}
    rest.wait(rest.request("PATCH", distribution["pulp_href"], json=body))
    return url


def urls_of(server: RunningServer, owner: str) -> tuple[str, str]:
    """Return the two URLs of an owner's main channel."""
    return server.channel(owner), f"{server.origin}/pulp/content/{owner}/main"


def repodata(channel: str, subdir: str = "noarch") -> dict:  # type: ignore[type-arg]
    """Return the parsed repodata of a subdir."""
    answer = requests.get(f"{channel}/{subdir}/repodata.json", timeout=30)
    assert answer.status_code == 200
    document: dict = answer.json()  # type: ignore[type-arg]
    return document


def upload(server: RunningServer, channel: str, *packages: PackageBuilder) -> None:
    """Upload packages to a channel by Forgejo's API."""
    for package in packages:
        answer = server.put(f"{channel}/x.conda", package.conda())
        assert answer.status_code == 201, answer.text


def channel_repository(rest: Rest, owner: str, channel: str, body: bytes | None = None) -> str:
    """Make a channel with a package, and return the repository behind it."""
    upload = rest.server.put(
        f"{rest.server.channel(owner, channel)}/x.conda", body or PackageBuilder().conda()
    )
    assert upload.status_code == 201
    href: str = repository_of(rest, owner, channel)["pulp_href"]
    return href
