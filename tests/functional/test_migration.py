"""The guide's script for a migration from Forgejo, run as the guide says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account
from tests.functional.harness import Rest, RunningServer

_GUIDE = Path(__file__).parents[2] / "docs" / "user" / "guides" / "migrating.md"
_DEFAULT, _DEV, _TEAM = "", "Dev", "team/py3.11+cuda"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script, copied from the guide."""
    (source,) = re.findall(r"^```python\n(.*?)^```", _GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    path = tmp_path / "migrate.py"
    path.write_text(source)
    return path


def test_an_owners_channels_are_copied_and_stay_private(
    server: RunningServer, rest: Rest, owner: str, script: Path
) -> None:
    new = f"{owner}-new"
    member = new_account(server)
    organisation = rest.create("conda/owners/", name=new, visibility="private")
    member.give("conda.channel_writer", organisation["pulp_href"])
    held = {
        _DEFAULT: [PackageBuilder("demo"), PackageBuilder("demo").subdir("linux-64")],
        _DEV: [PackageBuilder("demo", "2.0").depends("python >=3.9")],
        _TEAM: [PackageBuilder(f"demo{number}") for number in range(3)],
    }
    for channel, uploads in held.items():
        for package in uploads:
            url = f"{server.channel(owner, channel)}/{package.filename}"
            assert server.put(url, package.conda()).status_code == 201
    for expected in ("copied 6, there already 0", "copied 0, there already 6"):
        done = migrate(script, server, owner, new, member.token(scopes=["read", "write"]))
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{expected}, refused 0, not found 0\n"
    for channel in held:
        there, here = server.channel(owner, channel), server.channel(new, channel)
        assert requests.get(f"{here}/noarch/repodata.json", timeout=30).status_code == 401
        for subdir in ("noarch", "linux-64"):
            assert digests(here, subdir, auth=member.auth) == digests(there, subdir)
        assert digests(here, "noarch", auth=member.auth)


def test_the_script_names_files_that_it_did_not_copy(
    server: RunningServer, owner: str, script: Path
) -> None:
    odd = PackageBuilder("odd").subdir("plan9-128")
    for package in (odd, PackageBuilder("taken")):
        assert server.put(f"{server.channel(owner)}/x.conda", package.conda()).status_code == 201
    stranger = new_account(server)
    done = migrate(script, server, owner, f"{owner}-new", stranger.token(scopes=["read", "write"]))
    assert done.returncode == 1
    assert "noarch/taken-1.0-0.conda: 403 " in done.stdout
    assert "odd-1.0-0.conda: in none of the subdirs" in done.stdout
    assert done.stdout.endswith("copied 0, there already 0, refused 1, not found 1\n")


def migrate(
    script: Path, server: RunningServer, old: str, new: str, token: str
) -> "subprocess.CompletedProcess[str]":
    """Run the script between two owners of a server."""
    command = [sys.executable, str(script), server.origin, old, server.origin, new]
    logins = {"OLD_LOGIN": f"x:{token}", "NEW_LOGIN": f"x:{token}"}
    return subprocess.run(
        command, env={**os.environ, **logins}, capture_output=True, text=True, check=False
    )


def digests(channel: str, subdir: str, auth: tuple[str, str] | None = None) -> dict[str, str]:
    """Return the files that a channel's index names, with their digests."""
    answer = requests.get(f"{channel}/{subdir}/repodata.json", auth=auth, timeout=30)
    assert answer.status_code == 200, answer.text
    records = answer.json()["packages.conda"]
    return {name: record["sha256"] for name, record in records.items()}
