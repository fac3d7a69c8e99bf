"""The commands of the guide to mirrors, run as they are printed."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import PackageBuilder
from tests.functional.clients import install_from
from tests.functional.harness import PASSWORD, RunningServer
from tests.functional.upstreams import OldServer, old_server

_GUIDE = Path(__file__).parents[2] / "docs" / "admin" / "guides" / "mirror.md"


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldServer]:
    """A channel behind a web server."""
    with old_server(tmp_path_factory.mktemp("upstream")) as upstream:
        yield upstream


def commands(**replaced: str) -> tuple[str, str]:
    """Return the commands of the guide: those that make a mirror, and that which installs."""
    text = _GUIDE.read_text()
    for old, new in replaced.items():
        text = text.replace(old, new)
    made, installs, *_ = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return made, installs


def test_a_mirror_is_made_by_the_commands_as_printed(
    mirroring: RunningServer, upstream: OldServer, tmp_path: Path
) -> None:
    package = PackageBuilder("tool")
    upstream.add("conda-forge", package)
    made, installs = commands(**{
        "http://127.0.0.1:8080": mirroring.origin,
        "PASSWORD": PASSWORD,
        "https://conda.example.org": f"{upstream.origin}/channels",
    })  # fmt: skip
    done = subprocess.run(["bash", "-c", made], capture_output=True, text=True, check=False)
    assert not done.stderr
    printed = done.stdout.partition("\n")[2]  # the first line is the task of the distribution
    task = json.loads(printed)
    assert (task["state"], task["result"]["counts"]["added"]) == ("completed", 1), task
    (channel,) = re.findall(r"--channel (\S+)", installs)
    assert install_from([channel], ["tool"], tmp_path / "prefix") == [package.filename]


def test_a_refusal_is_printed(mirroring: RunningServer) -> None:
    made, _ = commands(**{
        "http://127.0.0.1:8080": mirroring.origin,
        "PASSWORD": PASSWORD,
        "https://conda.example.org": "http://10.1.2.3",
    })  # fmt: skip
    script = made.partition("# The channel:")[0]
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "CONDA_UPSTREAM_ALLOWED_NETWORKS" in done.stderr
