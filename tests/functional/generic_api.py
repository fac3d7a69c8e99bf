"""Requests to Forgejo's and Gitea's generic package API, and an owner with two channels."""

from typing import Any

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.channels import upload
from tests.functional.harness import RunningServer


def api(server: RunningServer, owner: str, path: str = "") -> str:
    """Return the URL of an owner's packages, or of a path below `conda/`."""
    base = f"{server.origin}/api/v1/packages/{owner}"
    return f"{base}/conda/{path}" if path else base


def listed(answer: requests.Response) -> list[tuple[str, str]]:
    """Return the names and versions of a list."""
    assert answer.status_code == 200, answer.text
    return [(package["name"], package["version"]) for package in answer.json()]


@pytest.fixture
def filled(server: RunningServer, owner: str) -> str:
    """An owner with two channels."""
    linux = PackageBuilder("demo").subdir("linux-64")
    upload(server, server.channel(owner), PackageBuilder("demo"), PackageBuilder("demo", "2.0"))
    upload(server, server.channel(owner), PackageBuilder("demo", build="1"), linux)
    body = PackageBuilder("demo").tar_bz2()
    assert server.put(f"{server.channel(owner)}/x.tar.bz2", body).status_code == 201
    upload(
        server, server.channel(owner, "team/dev"), PackageBuilder("demo"), PackageBuilder("other")
    )
    return owner


def get(url: str, **kwargs: Any) -> requests.Response:
    return requests.get(url, timeout=30, **kwargs)
