"""A channel's page, in a real browser, with and without scripts."""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account
from tests.functional.browser import Browser, browser, needs_chromium
from tests.functional.channels import private_channel, repository_of
from tests.functional.harness import Rest, RunningServer
from tests.functional.patches import patched

__all__ = ["browser"]

_ATTACK = (
    """"'><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"""
)
_NAMES = "[...document.querySelectorAll('.name')].map(name => name.textContent)"
_ROWS_PER_PAGE = 50


@dataclass(frozen=True)
class Channel:
    """A channel with as many names as need two pages."""

    owner: str
    url: str
    content: str


def _packages() -> Iterator[PackageBuilder]:
    for number in range(_ROWS_PER_PAGE + 8):
        yield PackageBuilder(f"demo{number:02}").about(summary=f"The demo number {number}")
    for version in ("1.9", "1.10"):
        yield (
            PackageBuilder("zebra", version)
            .with_index(timestamp=1_700_000_000_000, license="MIT")
            .about(
                summary="Draws stripes", home="https://zebra.example", description="Black\nwhite"
            )
        )
    yield PackageBuilder("zebra", "1.10").subdir("linux-64")
    yield (
        PackageBuilder("hostile")
        .with_index(license=_ATTACK)
        .about(
            summary=_ATTACK,
            description=_ATTACK,
            home=["javascript:alert(1)"],
            dev_url=f"https://a.example/{_ATTACK}",
        )
    )


@pytest.fixture(scope="module")
def channel(server: RunningServer) -> Channel:
    """The channel, filled once for all tests."""
    url = server.channel("pages", "dev")

    def put(package: PackageBuilder) -> int:
        return server.put(f"{url}/x.conda", package.conda()).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(put, _packages())) == {201}
    return Channel("pages", url, f"{server.origin}/pulp/content/pages/dev")


def get(url: str, status: int = 200) -> requests.Response:
    """Fetch a page and check its security headers."""
    answer = requests.get(url, timeout=30)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    return answer


@needs_chromium
@pytest.mark.parametrize("scripts", [True, False])
def test_names_are_found_page_by_page(browser: Browser, channel: Channel, scripts: bool) -> None:
    browser.open(f"{channel.url}/", scripts=scripts)
    names = browser.evaluate(_NAMES)
    browser.open(browser.evaluate("document.querySelector('[rel=next]').href"), scripts=scripts)
    names += browser.evaluate(_NAMES)
    assert names == [*(f"demo{number:02}" for number in range(58)), "hostile", "zebra"]
    assert browser.evaluate("document.querySelector('[rel=next]')") is None
    assert browser.complaints == []


@needs_chromium
@pytest.mark.parametrize("scripts", [True, False])
def test_search_leads_to_a_package_and_its_files(
    browser: Browser, channel: Channel, scripts: bool
) -> None:
    for text in ("zeb", "STRIPES draws"):
        browser.open(f"{channel.content}/", scripts=scripts)
        browser.evaluate(f"document.querySelector('#q').value = '{text}'")
        browser.follow("document.querySelector('form').submit()")
        assert browser.evaluate(_NAMES) == ["zebra"]
    assert "1.10" in browser.evaluate("document.querySelector('tbody tr').innerText")
    browser.follow("document.querySelector('.name').click()")
    shown = browser.evaluate("document.body.innerText")
    assert f"conda install --channel {channel.content} zebra" in shown
    assert f"pixi workspace channel add {channel.content}\npixi add zebra" in shown
    alias = channel.content.removesuffix("/dev")
    assert f'channel_alias: "{alias}"\nchannels:\n  - "dev"\ndefault_channels: []' in shown
    index = requests.get(f"{channel.url}/noarch/repodata.json", timeout=30).json()
    indexed = index["packages.conda"]["zebra-1.10-0.conda"]["indexed_timestamp"] / 1000
    uploaded = datetime.fromtimestamp(indexed, UTC).strftime("%Y-%m-%d")
    for text in ("Draws stripes", "MIT", "Built", "2023-11-14", "Uploaded", uploaded):
        assert text in shown
    files = browser.evaluate("[...document.querySelectorAll('td.main a')].map(link => link.href)")
    assert files == [
        f"{channel.content}/linux-64/zebra-1.10-0.conda",
        f"{channel.content}/noarch/zebra-1.10-0.conda",
        f"{channel.content}/noarch/zebra-1.9-0.conda",
    ]
    for href in files:
        digest = hashlib.sha256(requests.get(href, timeout=30).content).hexdigest()
        assert digest in shown


@needs_chromium
def test_search_goes_on_while_one_types(browser: Browser, channel: Channel) -> None:
    browser.open(f"{channel.url}/")
    browser.evaluate("document.querySelector('#q').focus()")
    browser.type("hos")
    browser.wait_for(f"{_NAMES}.join() === 'hostile'")
    assert browser.evaluate("location.search") == "?q=hos"
    assert browser.evaluate("document.activeElement.id") == "q"
    assert browser.evaluate("document.title") == "pages/dev"
    assert browser.evaluate("document.querySelectorAll('.copy').length") == 4
    assert browser.complaints == []


@needs_chromium
@pytest.mark.parametrize("query", ["?q=hostile", "?name=hostile", "?q={0}", "?name={0}"])
def test_hostile_metadata_is_nothing_but_text(
    browser: Browser, channel: Channel, query: str
) -> None:
    url = f"{channel.url}/{query.format(quote(_ATTACK))}"
    browser.open(url)
    assert "owned" not in browser.evaluate("document.title.slice(0, 5)")
    assert browser.evaluate("document.querySelectorAll('img, body script ~ script').length") == 0
    links = browser.evaluate("[...document.querySelectorAll('a')].map(link => link.protocol)")
    assert set(links) <= {"http:", "https:"}
    assert _ATTACK in browser.evaluate(
        "document.body.innerText + document.querySelector('input')?.value"
    )
    refusals = [text for text in browser.complaints if "404" not in text]
    assert refusals == [], "the page's policy has nothing to refuse"


@needs_chromium
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("query", ["", "?name=zebra", "?name=hostile", "?q=none"])
def test_the_page_fits_every_screen(
    browser: Browser, channel: Channel, tmp_path: Path, width: int, query: str
) -> None:
    browser.open(f"{channel.url}/{query}", width=width)
    browser.screenshot(tmp_path / "page.png")
    assert browser.evaluate("document.documentElement.scrollWidth") == width


def test_the_address_needs_no_slash(server: RunningServer, channel: Channel) -> None:
    for url in (channel.url, channel.content):
        assert get(url).url == f"{url}/"
        assert get(f"{url}/index.html").content == get(f"{url}/").content
    account = new_account(server)
    private_channel(server, account.name)
    token = account.token(scopes=["read"])
    for url in (
        server.channel(account.name, "main"),
        f"{server.origin}/pulp/content/{account.name}/main",
    ):
        with_token = url.replace(server.origin, f"{server.origin}/t/{token}")
        answer = get(with_token)
        assert answer.url == f"{with_token}/"
        assert token not in answer.text
        assert f"--channel {url} " in answer.text


def test_odd_queries_get_a_page(channel: Channel) -> None:
    first = get(f"{channel.url}/").content
    for page in ("0", "-1", "x", "", "99999999999999999999", "%00"):
        found = get(f"{channel.url}/?page={page}").content
        assert found == first, page
    assert b"Page 2 of 2" in get(f"{channel.url}/?page=77").content
    for query in ("q=%00", "q=" + 3000 * "a", "q=%F0%9F%90%8D", "q=%FF"):
        get(f"{channel.url}/?{query}")
    for name in ("missing", "%00", "..%2F", 3000 * "a", "%FF"):
        get(f"{channel.url}/?name={name}", status=404)
    assert b"zebra-1.9" in get(f"{channel.url}/?name=zebra&page=5").content


def test_an_unchanged_page_is_304(channel: Channel) -> None:
    known = {"If-None-Match": get(f"{channel.url}/").headers["ETag"]}
    again = requests.get(f"{channel.url}/", headers=known, timeout=30)
    assert (again.status_code, again.content) == (304, b"")


def test_a_channel_that_publishes_no_list_tells_files_by_name(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    path = f"{owner}/main"
    body = {"name": path, "documents": []}
    repository = rest.create("repositories/conda/conda/", **body)["pulp_href"]
    rest.create("distributions/conda/conda/", name=path, base_path=path, repository=repository)
    url = server.channel(owner, "main")
    assert server.put(f"{url}/x.conda", PackageBuilder().conda()).status_code == 201
    page = get(f"{url}/").text
    assert "no list of its packages" in page
    assert 'name="name"' in page
    assert "demo-1.0-0.conda" in get(f"{url}/?name=demo").text


def test_files_that_patches_took_out_are_not_shown(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    url = server.channel(owner, "main")
    for package in (PackageBuilder(), PackageBuilder(version="2.0"), PackageBuilder("gone")):
        assert server.put(f"{url}/x.conda", package.conda()).status_code == 201
    instructions = {
        "patch_instructions_version": 1,
        "remove": ["gone-1.0-0.conda", "demo-2.0-0.conda"],
        "revoke": ["demo-1.0-0.tar.bz2"],
    }
    repository = repository_of(rest, owner)["pulp_href"]
    patched(rest, instructions, subdir="noarch", repository=repository)
    assert "gone" not in get(f"{url}/").text
    get(f"{url}/?name=gone", status=404)
    shown = get(f"{url}/?name=demo").text
    assert "demo-2.0" not in shown
    assert re.search("demo-1.0-0.conda</a> <span[^>]*>revoked<", shown)


def test_an_empty_channel_has_a_page(server: RunningServer, rest: Rest, owner: str) -> None:
    path = f"{owner}/main"
    rest.create("distributions/conda/conda/", name=path, base_path=path)
    url = server.channel(owner, "main")
    assert "no packages yet" in get(f"{url}/").text
    get(f"{url}/?name=demo", status=404)


def test_domains_have_pages(domain_server: RunningServer, owner: str) -> None:
    Rest(domain_server).create(
        "domains/",
        name=owner,
        storage_class="pulpcore.app.models.storage.FileSystem",
        storage_settings={"MEDIA_ROOT": str(domain_server.home / "media" / owner)},
    )
    url = domain_server.channel(owner, "main")
    assert domain_server.put(f"{url}/x.conda", PackageBuilder().conda()).status_code == 201
    for address in (url, f"{domain_server.origin}/pulp/content/{owner}/main"):
        assert "?name=demo" in get(f"{address}/").text
        assert "demo-1.0-0.conda" in get(f"{address}/?name=demo").text
        assert requests.get(f"{address}/notices.json", timeout=30).json() == {"notices": []}


def test_a_page_that_waits_for_the_storage_holds_up_nothing_else(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    url = server.channel(owner, "main")
    assert server.put(f"{url}/x.conda", PackageBuilder("slow-page").conda()).status_code == 201
    document = requests.get(f"{url}/channeldata.json.zst", timeout=60).content
    digest = hashlib.sha256(document).hexdigest()
    file = server.home / "media" / rest.get("artifacts/", sha256=digest)["results"][0]["file"]
    content = file.read_bytes()
    file.unlink()
    os.mkfifo(file)  # opening it for reading waits for a writer
    with ThreadPoolExecutor(8) as pool:
        pages = [pool.submit(requests.get, f"{url}/", timeout=60) for _ in range(8)]
        try:
            for _ in range(8):
                answer = requests.get(f"{url}/noarch/repodata.json", timeout=20)
                assert answer.status_code == 200
            assert not any(page.done() for page in pages)
        finally:
            while not all(page.done() for page in pages):
                with suppress(OSError):  # no reader has it open now
                    os.close(os.open(file, os.O_WRONLY | os.O_NONBLOCK))
                time.sleep(0.01)
    assert {page.result().status_code for page in pages} == {503}
    file.unlink()
    file.write_bytes(content)
    get(f"{url}/")
