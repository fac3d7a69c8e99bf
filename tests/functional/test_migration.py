"""Channels move here from other servers by the commands of the guide, as they are printed."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.channels import packages
from tests.functional.clients import install_from
from tests.functional.harness import PASSWORD, Rest, RunningServer
from tests.functional.upstreams import LOGIN, TOKEN, OldServer, old_server
from tests.real_data import needs_real_packages, real_packages

_CHECKOUT = Path(__file__).parents[2]
_GUIDE = _CHECKOUT / "docs" / "user" / "guides" / "migrating.md"
_BASIC = f'"auth": "basic", "username": "{LOGIN[0]}", "password": "{LOGIN[1]}"'


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldServer]:
    """The servers that channels move from."""
    with old_server(tmp_path_factory.mktemp("old")) as old:
        yield old


class Move:
    """A move of some channels of one server, by the commands of the guide."""

    def __init__(
        self, server: RunningServer, source: str, owner: str, secret: str, channels: str
    ) -> None:
        self._channels = channels
        text = _GUIDE.read_text()
        for printed, real in {
            "https://NEW": server.origin,
            "https://OLD/api/packages/acme/conda": source,
            "OWNER=acme": f"OWNER={owner}",
            '"dev team/prod"': f'"{channels}"',
            '"auth": "basic", "username": "USER", "password": "TOKEN"': secret,
            "PASSWORD": PASSWORD,
        }.items():
            text = text.replace(printed, real)
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        _, self._make, self._sync, _ = blocks
        self._set = self._make.partition("for CHANNEL")[0]

    def make(self) -> None:
        """Make the channels."""
        states = re.findall(r": (\w+)$", _run(self._make), re.MULTILINE)
        assert states == ["completed"] * len(self._channels.split())

    def sync(self) -> str:
        """Sync the channels, also again; return what is printed."""
        return _run(self._set + self._sync)


def _run(script: str) -> str:
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.stdout


def test_channels_of_a_private_owner_of_forgejo_stay_private(
    mirroring: RunningServer, old: OldServer, owner: str
) -> None:
    held = {
        "dev": PackageBuilder("base"),
        "team/prod": PackageBuilder("tool").subdir("linux-64").depends("base"),
    }
    for channel, package in held.items():
        old.add(f"{owner}/{channel}", package)
    Rest(mirroring).create("conda/owners/", name=owner, visibility="private")
    source = f"{old.origin}/api/packages/acme/conda/{owner}"
    move = Move(mirroring, source, owner, _BASIC, "dev team/prod")
    move.make()
    printed = move.sync()
    assert printed.count("completed") == 2
    assert printed.count("'added': 1") == 2
    for channel, package in held.items():
        url = f"{mirroring.channel(owner, channel)}/{package.index['subdir']}/{package.filename}"
        assert requests.get(url, timeout=30).status_code == 401
        got = requests.get(url, timeout=30, auth=("admin", PASSWORD))
        assert got.content == package.conda()


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        ("get", f'"auth": "api_key", "token": "{TOKEN}"'),
        ("artifactory/api/conda", f'"auth": "bearer", "token": "{TOKEN}"'),
        ("artifactory/api/conda", _BASIC),
        ("channels", '"auth": "none"'),
    ],
    ids=["quetz", "artifactory by token", "artifactory by password", "folder"],
)
def test_a_channel_moves_from(
    mirroring: RunningServer, old: OldServer, owner: str, path: str, secret: str, tmp_path: Path
) -> None:
    # Names of this test alone: another remote that has the same file would have it reclaimed.
    base = PackageBuilder(f"base-{owner}")
    tool = PackageBuilder(f"tool-{owner}").subdir("linux-64").depends(base.index["name"])
    old.add(f"{owner}/dev", base, tool)
    move = Move(mirroring, f"{old.origin}/{path}/{owner}", owner, secret, "dev")
    move.make()
    printed = move.sync()
    assert printed.startswith("dev: completed\n"), printed
    assert "'added': 2" in printed
    rest = Rest(mirroring)
    (remote,) = rest.get("remotes/conda/conda/", name=f"{owner}/dev")["results"]
    rest.wait(rest.request("DELETE", remote["pulp_href"]))
    rest.wait(rest.request("POST", "repositories/reclaim_space/", json={"repo_hrefs": ["*"]}))
    old.broken |= {base.filename, tool.filename}  # nothing is asked of the old server any more
    try:
        installed = install_from(
            [mirroring.channel(owner, "dev")], [tool.index["name"]], tmp_path / "prefix"
        )
    finally:
        old.broken.clear()
    assert installed == [base.filename, tool.filename]
    assert TOKEN not in mirroring.log.read_text()


def test_a_second_sync_brings_what_the_first_could_not(
    mirroring: RunningServer, old: OldServer, owner: str
) -> None:
    first, second = PackageBuilder("first"), PackageBuilder("second")
    old.add(f"{owner}/dev", first, second)
    move = Move(mirroring, f"{old.origin}/channels/{owner}", owner, '"auth": "none"', "dev")
    move.make()
    own = PackageBuilder("own")
    channel = mirroring.channel(owner, "dev")
    assert mirroring.put(f"{channel}/x.conda", own.conda()).status_code == 201
    (old.folder / owner / "dev" / "noarch" / second.filename).rename(old.folder / owner / "away")
    printed = move.sync()
    assert f"noarch/{second.filename}" in printed
    assert packages(channel) == {first.filename, own.filename}
    (old.folder / owner / "away").rename(old.folder / owner / "dev" / "noarch" / second.filename)
    old.asked.clear()
    printed = move.sync()
    assert "'added': 1" in printed
    assert second.filename not in printed
    assert packages(channel) == {first.filename, second.filename, own.filename}
    assert not [path for path in old.asked if path.endswith(first.filename)]


@needs_real_packages
def test_real_packages_are_moved_and_installed(
    mirroring: RunningServer, old: OldServer, owner: str, tmp_path: Path
) -> None:
    files = real_packages()
    for path in files:
        old.add_file(f"{owner}/dev", path.parent.name, path.name, path.read_bytes())
    old.index(f"{owner}/dev")
    secret = f'"auth": "api_key", "token": "{TOKEN}"'
    move = Move(mirroring, f"{old.origin}/get/{owner}", owner, secret, "dev")
    move.make()
    assert f"'added': {len(files)}" in move.sync()
    installed = install_from([mirroring.channel(owner, "dev")], ["libsqlite"], tmp_path / "prefix")
    assert [name for name in installed if name.startswith("libsqlite-")]


def test_a_wrong_password_is_told(mirroring: RunningServer, old: OldServer, owner: str) -> None:
    old.add(f"{owner}/dev", PackageBuilder())
    move = Move(mirroring, f"{old.origin}/get/{owner}", owner, '"auth": "none"', "dev")
    move.make()
    printed = move.sync()
    assert printed.startswith("dev: failed\n")
    assert "401" in printed
