"""The page that lists channels: a reader sees the channels that they may read."""

import os
import re
import subprocess
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account, owner_href
from tests.functional.harness import PASSWORD, Rest, RunningServer

_ADMIN = ("admin", PASSWORD)
_HOSTILE = "<script>alert(1)</script> & more"


def listed(url: str, status: int = 200, **kwargs: object) -> dict[str, str]:
    """Return the channels on a page, by name, with the URL that each leads to."""
    answer = requests.get(url, timeout=60, **kwargs)  # type: ignore[arg-type]
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    found = re.findall(r'<a class="name" href="([^"]+)">([^<]+)</a>', answer.text)
    return {unescape(name): urljoin(answer.url, unescape(href)) for href, name in found}


def fill(server: RunningServer, owner: str, *channels: str) -> None:
    for channel in channels:
        url = f"{server.channel(owner, channel)}/x.conda"
        assert server.put(url, PackageBuilder().conda()).status_code == 201


def with_private_channel(server: RunningServer, rest: Rest, owner: str) -> None:
    """Give an owner two public channels, and then a private one."""
    fill(server, owner, "dev", "team/R+4")
    rest.request("PATCH", owner_href(rest, owner), json={"visibility": "private"})
    fill(server, owner, "secret")


def test_the_channels_of_an_owner_lead_to_their_pages(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    with_private_channel(server, rest, owner)
    url = f"{server.channel(owner)}/"
    public = {name: f"{server.channel(owner, name)}/" for name in ("dev", "team/R+4")}
    assert listed(url) == public
    assert listed(server.channel(owner)) == public, "the URL without its slash is redirected"
    assert listed(server.channel(owner.upper()) + "/").keys() == public.keys()
    for address in public.values():
        assert "How to use this channel" in requests.get(address, timeout=60).text
    everything = {**public, "secret": f"{server.channel(owner, 'secret')}/"}
    assert listed(url, auth=_ADMIN) == everything
    assert listed(f"{url}?q=TEAM") == {"team/R+4": public["team/R+4"]}


def test_the_root_lists_the_channels_of_all_owners(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    with_private_channel(server, rest, owner)
    url = f"{server.origin}/?q={owner}/"
    assert listed(url) == {
        f"{owner}/{name}": f"{server.channel(owner, name)}/" for name in ("dev", "team/R+4")
    }
    assert f"{owner}/secret" in listed(url, auth=_ADMIN)
    assert listed(f"{server.origin}/?q=no-such-channel") == {}
    wrong = requests.get(url, auth=("admin", "wrong"), timeout=60)
    assert wrong.status_code == 401


def test_a_token_narrows_what_is_listed(server: RunningServer, rest: Rest) -> None:
    account = new_account(server)
    for channel in ("public", "dev", "prod"):
        url = f"{server.channel(account.name, channel)}/x.conda"
        assert server.put(url, PackageBuilder().conda(), auth=account.auth).status_code == 201
        mine = owner_href(rest, account.name)
        assert rest.request("PATCH", mine, json={"visibility": "private"}).ok
    token = account.token(scopes=["read"], bound_to=[f"{account.name}/dev"])
    path = f"api/packages/{account.name}/conda/"
    found = listed(f"{server.origin}/t/{token}/{path}")
    assert found == {name: f"{server.origin}/t/{token}/{path}{name}/" for name in ("dev", "public")}
    assert requests.get(found["dev"], timeout=60).ok
    assert listed(f"{server.origin}/{path}", auth=account.auth).keys() == {"dev", "prod", "public"}


def test_a_hidden_owner_looks_absent(server: RunningServer, rest: Rest, owner: str) -> None:
    account = new_account(server)
    rest.request("PATCH", owner_href(rest, owner), json={"visibility": "private"})
    fill(server, owner, "secret")
    for auth in (None, account.auth):
        pages = []
        for name in (owner, "nobody"):
            answer = requests.get(f"{server.channel(name)}/", auth=auth, timeout=60)
            assert answer.status_code == 404
            pages.append(answer.text.replace(name, "OWNER"))
        assert pages[0] == pages[1]
    assert listed(f"{server.channel(owner)}/", auth=_ADMIN).keys() == {"secret"}


def test_a_browser_can_sign_in(server: RunningServer, owner: str) -> None:
    fill(server, owner, "dev")
    url = f"{server.channel(owner)}/"
    assert 'href="?sign-in"' in requests.get(url, timeout=60).text
    refused = requests.get(f"{url}?sign-in", timeout=60)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic")
    signed_in = requests.get(f"{url}?sign-in", auth=_ADMIN, timeout=60)
    assert signed_in.ok
    assert "sign-in" not in signed_in.text


def test_a_description_is_shown_and_harms_nobody(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    fill(server, owner, "dev")
    (found,) = rest.get("repositories/conda/conda/", name=f"{owner}/dev")["results"]
    rest.update(found["pulp_href"], description=_HOSTILE)
    page = requests.get(f"{server.channel(owner)}/", timeout=60).text
    assert "<script>alert" not in page
    assert _HOSTILE in unescape(page)


@pytest.mark.parametrize("path", ["", "api/packages/{}/conda/"])
def test_the_commands_on_the_page_work(
    server: RunningServer, owner: str, tmp_path: Path, path: str
) -> None:
    fill(server, owner, "dev")
    page = requests.get(f"{server.origin}/{path.format(owner)}?q={owner}", timeout=60).text
    found = re.search(r"<code>(curl .*?)</code>", page)
    assert found is not None
    package = tmp_path / PackageBuilder("typed").filename
    package.write_bytes(PackageBuilder("typed").conda())
    typed = unescape(found[1]).replace("PACKAGE.conda", str(package))
    typed = typed.replace("--user USER", f"--user admin:{PASSWORD}")
    subprocess.run(["sh", "-c", typed], check=True, env=dict(os.environ))
    (channel,) = re.findall(r"(http\S+/)$", typed)
    assert requests.get(f"{channel}noarch/{package.name}", timeout=60).content


def test_with_domains_the_channels_of_all_domains_are_listed(domain_server: RunningServer) -> None:
    fill(domain_server, "default", "listed")
    url = domain_server.channel("default", "listed")
    assert listed(f"{domain_server.origin}/")["default/listed"] == f"{url}/"
    assert listed(f"{domain_server.channel('default')}/")["listed"] == f"{url}/"
    assert listed(f"{domain_server.channel('nowhere')}/", status=404) == {}
