"""The .condarc that we recommend leads clients to the right channels.

conda cannot be installed from PyPI, and py-rattler reads no .condarc. So the tests read the
settings, and py-rattler resolves channel names by `channel_alias` and installs from them.
"""

import re
from html import unescape
from pathlib import Path

import msgspec
import pytest
import requests
from rattler import Channel, ChannelConfig

from tests.builders import PackageBuilder
from tests.functional.clients import solve_from
from tests.functional.harness import RunningServer

_GUIDE = Path(__file__).parents[2] / "docs" / "user" / "guides" / "registry.md"


class Condarc(msgspec.Struct, forbid_unknown_fields=True):
    """The recommended settings."""

    channel_alias: str
    channels: list[str]
    default_channels: list[str]

    def urls(self) -> list[str]:
        """Return the URLs of the channels; none may equal the alias.

        A channel that equals its alias has an empty name in conda and mamba. mamba 2.8 then asks a
        host called `noarch`, and conda 24 and 26 install nothing by exact URL.
        """
        config = ChannelConfig(channel_alias=f"{self.channel_alias}/")
        urls = [Channel(name, config).base_url.rstrip("/") for name in self.channels]
        assert self.channel_alias not in urls
        return urls


def read(text: str) -> Condarc:
    return msgspec.yaml.decode(text.encode(), type=Condarc)


def of_the_guide(server: RunningServer, owner: str) -> str:
    (text,) = re.findall(r"```yaml\n# \.condarc\n(.*?)```", _GUIDE.read_text(), re.DOTALL)
    found: str = text
    return found.replace("https://HOST", server.origin).replace("OWNER", owner)


def of_the_page(server: RunningServer, owner: str) -> str:
    page = requests.get(f"{server.channel(owner)}/", timeout=30).text
    (text,) = re.findall(r"\.condarc</figcaption><pre><code>(.*?)</code>", page, re.DOTALL)
    return unescape(text)


def of_the_banner(server: RunningServer, owner: str) -> str:
    (text,) = re.findall(r"into \.condarc:\n(.*?)\n\n", server.output, re.DOTALL)
    found: str = text
    return re.sub("^  ", "", found, flags=re.MULTILINE).replace("/admin/", f"/{owner}/")


@pytest.mark.parametrize("source", [of_the_guide, of_the_page, of_the_banner])
def test_the_recommended_condarc_leads_to_the_default_channel(
    server: RunningServer, owner: str, source: object
) -> None:
    package = PackageBuilder()
    assert server.put(f"{server.channel(owner)}/x.conda", package.conda()).status_code == 201
    assert callable(source)
    recommended = read(source(server, owner))
    assert recommended.default_channels == []
    assert recommended.urls() == [server.channel(owner, "main")]
    assert solve_from(recommended.urls(), ["demo"]) == [package.filename]


@pytest.mark.parametrize("name", ["dev", "team/dev", "1.10"])
def test_the_page_of_a_channel_names_it(server: RunningServer, owner: str, name: str) -> None:
    package = PackageBuilder()
    url = server.channel(owner, name)
    assert server.put(f"{url}/x.conda", package.conda()).status_code == 201
    for address in (url, f"{server.origin}/pulp/content/{owner}/{name}"):
        page = requests.get(f"{address}/", timeout=30).text
        (text,) = re.findall(r"\.condarc</figcaption><pre><code>(.*?)</code>", page, re.DOTALL)
        recommended = read(unescape(text))
        assert recommended.channels == [name]
        assert recommended.urls() == [address]
        assert solve_from(recommended.urls(), ["demo"]) == [package.filename]


def test_the_form_of_forgejos_documentation_is_understood(
    server: RunningServer, owner: str
) -> None:
    """There the channel's URL is the alias, and names lead below it."""
    package = PackageBuilder()
    for channel in (None, "dev"):
        url = server.channel(owner, channel)
        assert server.put(f"{url}/x.conda", package.conda()).status_code == 201
    alias = f"{server.origin}/api/packages/{owner}/conda"
    for url in (alias, f"{alias}/", f"{alias}/dev"):
        assert solve_from([url], ["demo"]) == [package.filename]
