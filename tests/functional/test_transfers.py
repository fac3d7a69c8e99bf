"""Exports, imports and replication of channels, which would be incomplete, are refused."""

import io
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import PackageBuilder
from tests.functional.channels import repository_of
from tests.functional.harness import ONE_OF_EACH, PASSWORD, PATIENCE_SECONDS, Rest, RunningServer
from tests.functional.homes import Homes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for the server's exports and imports."""
    return tmp_path_factory.mktemp("transfers")


@pytest.fixture(scope="module")
def server(homes: Homes, folder: Path) -> Iterator[RunningServer]:
    """A server that can export, import and replicate, with a channel of one package."""
    paths = json.dumps([str(folder)])
    running = RunningServer(
        homes.make(folder / "home"),
        arguments=ONE_OF_EACH,
        env={"PULP_ALLOWED_EXPORT_PATHS": paths, "PULP_ALLOWED_IMPORT_PATHS": paths},
    ).start()
    answer = running.put(f"{running.channel('acme')}/x.conda", PackageBuilder().conda())
    assert answer.status_code == 201
    yield running
    running.stop()


def refusal(rest: Rest, answer: Any) -> str:
    """Return why the task in an answer failed."""
    error = rest.wait(answer, state="failed")["error"]
    assert error["error_code"] == "CND0003"
    text: str = error["description"]
    return text


@pytest.mark.parametrize("what", ["publication", "repository_version"])
def test_an_export_to_the_file_system_is_refused(rest: Rest, folder: Path, what: str) -> None:
    target = folder / f"exported-{what}"
    body = {"name": what, "path": str(target)}
    exporter = rest.request("POST", "exporters/core/filesystem/", json=body).json()
    repository = repository_of(rest, "acme")
    (publication,) = rest.get("publications/conda/conda/", repository=repository["pulp_href"])[
        "results"
    ]
    hrefs = {
        "publication": publication["pulp_href"],
        "repository_version": repository["latest_version_href"],
    }
    answer = rest.request("POST", f"{exporter['pulp_href']}exports/", json={what: hrefs[what]})
    assert "An export to the file system is not supported" in refusal(rest, answer)
    assert not target.exists()


def test_an_export_of_pulps_own_is_refused(rest: Rest, folder: Path) -> None:
    target = folder / "exported"
    hrefs = [repository_of(rest, "acme")["pulp_href"]]
    body = {"name": "pulp", "path": str(target), "repositories": hrefs}
    exporter = rest.request("POST", "exporters/core/pulp/", json=body).json()
    answer = rest.request("POST", f"{exporter['pulp_href']}exports/", json={})
    assert "An export of Pulp's own format is not supported" in refusal(rest, answer)
    assert not target.exists(), "nothing was copied in vain"


def test_an_import_of_pulps_own_is_refused(rest: Rest, folder: Path) -> None:
    path = folder / "export.tar"
    documents = {
        "versions.json": [],
        "pulpcore.app.modelresource.RepositoryResource.json": [
            {"name": "imported", "pulp_type": "conda.conda"}
        ],
        "repository-imported_1/pulpcore.app.modelresource.ContentArtifactResource.json": [],
    }
    with tarfile.open(path, "w") as tar:
        for name, document in documents.items():
            data = json.dumps(document).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    rest.create("repositories/conda/conda/", name="imported")
    importer = rest.create("importers/core/pulp/", name="pulp")
    answer = rest.request("POST", f"{importer['pulp_href']}imports/", json={"path": str(path)})
    assert answer.status_code == 202, answer.text
    assert "An import of Pulp's own format is not supported" in group_refusal(rest, answer)


@pytest.mark.parametrize("q_select", [None, "name='nothing'"])
def test_replication_is_refused_where_there_are_channels(
    rest: Rest, server: RunningServer, q_select: str | None
) -> None:
    upstream = rest.create(
        "upstream-pulps/",
        name=f"upstream{q_select}",
        base_url=server.origin,
        api_root="/pulp/",
        username="admin",
        password=PASSWORD,
        **({"q_select": q_select} if q_select else {}),
    )
    answer = rest.request("POST", f"{upstream['pulp_href']}replicate/", json={})
    assert answer.status_code == 202, answer.text
    told = group_refusal(rest, answer)
    if q_select:
        assert told == ""
    else:
        assert "Replication is not supported" in told
        assert "'acme/main'" in told
    assert rest.get("distributions/conda/conda/")["count"] == 1, "nothing was removed"


def group_refusal(rest: Rest, answer: Any) -> str:
    """Wait for all tasks of a group; return why one failed, or an empty text."""
    group = answer.json()["task_group"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        tasks = rest.get("tasks/", task_group=group)["results"]
        errors = [task["error"]["description"] for task in tasks if task["error"]]
        if errors or {task["state"] for task in tasks} == {"completed"}:
            return "".join(errors)
        time.sleep(0.1)
    raise AssertionError(f"the tasks did not end: {tasks}")
