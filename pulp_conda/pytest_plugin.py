"""Fixtures for other plugins' functional tests, which run against a Pulp with this plugin.

pytest finds them by the entry point `pytest11`. They build on the fixtures of
`pulpcore.pytest_plugin`, and need the bindings `pulp-conda-client`, generated from the server.
Objects that a factory creates are deleted after the tests of its class. `pulp_domain` is the name
of the domain in which to create an object.
"""

from __future__ import annotations

import importlib
import io
import json
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Factory = Callable[..., Any]
"""Creates an object over REST from its fields, and returns it as a model of the bindings."""


@pytest.fixture(scope="session")
def conda_bindings(_api_client_set: set[Any], bindings_cfg: Any) -> Iterator[Any]:
    """Return a namespace of API clients, such as `conda_bindings.RepositoriesCondaApi`."""
    utils = importlib.import_module("pulpcore.tests.functional.utils")
    module = importlib.import_module("pulpcore.client.pulp_conda")
    client = module.ApiClient(bindings_cfg)
    _api_client_set.add(client)
    yield utils.BindingsNamespace(module, client)
    _api_client_set.remove(client)


@pytest.fixture(scope="class")
def conda_repository_factory(conda_bindings: Any, gen_object_with_cleanup: Factory) -> Factory:
    """Return a factory of repositories. Without the field `name`, the name is random."""

    def create(pulp_domain: str | None = None, **fields: Any) -> Any:
        body = {"name": str(uuid.uuid4()), **fields}
        api = conda_bindings.RepositoriesCondaApi
        return gen_object_with_cleanup(api, body, **_in_domain(pulp_domain))

    return create


@pytest.fixture(scope="class")
def conda_distribution_factory(conda_bindings: Any, gen_object_with_cleanup: Factory) -> Factory:
    """Return a factory of distributions; a `base_path` is `OWNER/CHANNEL`."""

    def create(pulp_domain: str | None = None, **fields: Any) -> Any:
        name = str(uuid.uuid4())
        body = {"name": name, "base_path": f"pytest/{name}", **fields}
        api = conda_bindings.DistributionsCondaApi
        return gen_object_with_cleanup(api, body, **_in_domain(pulp_domain))

    return create


@pytest.fixture(scope="class")
def conda_publication_factory(conda_bindings: Any, gen_object_with_cleanup: Factory) -> Factory:
    """Return a factory that publishes a `repository_version`, or the newest of a `repository`."""

    def create(pulp_domain: str | None = None, **fields: Any) -> Any:
        api = conda_bindings.PublicationsCondaApi
        return gen_object_with_cleanup(api, fields, **_in_domain(pulp_domain))

    return create


@pytest.fixture(scope="class")
def conda_package_file_factory(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that writes an empty `.tar.bz2` package, with `fields` in `index.json`."""

    def write(name: str = "demo", version: str = "1.0", build: str = "0", **fields: Any) -> Path:
        index = {
            "name": name, "version": version, "build": build, "build_number": 0,
            "subdir": "noarch", "noarch": "generic", "depends": [], **fields,
        }  # fmt: skip
        documents = {"index.json": index, "paths.json": {"paths": [], "paths_version": 1}}
        path = tmp_path_factory.mktemp("conda") / f"{name}-{version}-{build}.tar.bz2"
        with tarfile.open(path, "w:bz2") as archive:
            for document, content in documents.items():
                data = json.dumps(content).encode()
                member = tarfile.TarInfo(f"info/{document}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return path

    return write


@pytest.fixture(scope="class")
def conda_package_factory(
    conda_bindings: Any, conda_package_file_factory: Callable[..., Path], monitor_task: Factory
) -> Factory:
    """Return a factory that uploads a package, to a repository if the field `repository` is given.

    `path` is the file; without it, a package with a random name is written. Packages are not
    deleted: orphan clean-up removes them when no repository has them.
    """

    def upload(path: Path | None = None, pulp_domain: str | None = None, **fields: Any) -> Any:
        file = path or conda_package_file_factory(name=f"demo-{uuid.uuid4().hex}")
        api = conda_bindings.ContentPackagesApi
        answer = api.create(file=str(file), **fields, **_in_domain(pulp_domain))
        created = monitor_task(answer.task).created_resources
        return api.read(next(href for href in created if "/content/conda/packages/" in href))

    return upload


def _in_domain(pulp_domain: str | None) -> dict[str, str]:
    return {} if pulp_domain is None else {"pulp_domain": pulp_domain}
