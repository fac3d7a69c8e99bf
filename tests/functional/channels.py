"""What a channel holds and how many versions it has, as tests ask for it."""

from typing import Any

import requests

from tests.functional.harness import PASSWORD, PATIENCE_SECONDS, Rest


def packages(url: str, subdir: str = "noarch") -> set[str]:
    """Return the files that a channel's index names in a subdir."""
    answer = requests.get(f"{url}/{subdir}/repodata.json", timeout=30)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    return {*document["packages"], *document["packages.conda"]}


def delete(
    url: str, auth: tuple[str, str] | None = ("admin", PASSWORD), **kwargs: Any
) -> requests.Response:
    """Send DELETE; in the admin's name unless told otherwise."""
    return requests.delete(url, auth=auth, timeout=PATIENCE_SECONDS, **kwargs)


def repository_of(rest: Rest, owner: str, channel: str = "main") -> dict[str, Any]:
    """Return the repository behind a channel."""
    (found,) = rest.get("repositories/conda/conda/", name=f"{owner}/{channel}")["results"]
    repository: dict[str, Any] = found
    return repository


def newest_version(rest: Rest, owner: str, channel: str = "main") -> str:
    """Return the newest version of a channel: a refused request must leave it as it is."""
    href: str = repository_of(rest, owner, channel)["latest_version_href"]
    return href


def modify(rest: Rest, repository: dict[str, Any], **body: Any) -> None:
    """Make a new version of a repository by Pulp's own means."""
    rest.wait(rest.request("POST", f"{repository['pulp_href']}modify/", json=body))
