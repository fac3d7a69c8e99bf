"""The HTML page of a channel: its packages, and the files of each package."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from shlex import quote as shell_quote
from typing import Any, Final
from urllib.parse import quote

from aiohttp.web import Request
from django.conf import settings
from pulpcore.plugin.models import Artifact

from pulp_conda.app.authentication.addresses import address_of
from pulp_conda.app.channels.reading.browse import (
    ListedFile,
    NameFiles,
    channeldata_of,
    files_of,
    listing_of,
)
from pulp_conda.app.channels.reading.listing import Listing, search
from pulp_conda.app.models import ChannelName, shown_base_path
from pulp_conda.formats import layout
from pulp_conda.formats.about import About

from .html import HEADERS, Rows, query, render
from .lookup import Channel, Index
from .rendered import Page
from .sources import unreadable

_NAMES_PER_PAGE: Final = 50
_FILES_PER_PAGE: Final = 100
_MAX_QUERY: Final = 200

_LINKS: Final = (
    ("Home", "home"),
    ("Documentation", "doc_url"),
    ("Development", "dev_url"),
    ("Source", "source_url"),
)


@dataclass(frozen=True, slots=True)
class _PageRequest:
    """Everything that a page depends on."""

    channel: Channel
    index: Index | None
    url: str
    """The channel's URL as the reader sees it, without credentials and without a final slash."""
    query: Mapping[str, str]


def page(request: Request, channel: Channel, index: Index | None) -> Page:
    """Return the page of the channel, or of one package (`?name=`)."""
    asked = _PageRequest(channel, index, address_of(request), request.query)
    if name := request.query.get("name", "").strip():
        return _package_page(asked, name)
    return _channel_page(asked)


def _channel_page(asked: _PageRequest) -> Page:
    document = channeldata_of(asked.index) if asked.index else None
    return _page(partial(_channel, asked, document))


def _channel(asked: _PageRequest, document: Artifact | None) -> bytes:
    listing = _listing(document) if document else None
    if asked.index is None:
        listing = Listing()
    q = asked.query.get("q", "").strip()[:_MAX_QUERY]
    found = search(listing, q) if listing else []
    shown = Rows.of(asked.query.get("page", ""), len(found), _NAMES_PER_PAGE)
    return _render(
        "channel.html",
        asked,
        listing=listing,
        total=len(listing.packages) if listing else 0,
        q=q,
        page=shown,
        query=query(q=q) if q else "",
        rows=[(name, listing.packages[name]) for name in shown.of_all(found)] if listing else [],
        snippets=_snippets(asked, "PACKAGE"),
        private=asked.channel.content_guard is not None,
    )


def _listing(document: Artifact) -> Listing:
    try:
        return listing_of(document)
    except Exception as error:  # each storage raises errors of its own
        raise unreadable(document.file.name, error) from error


def _package_page(asked: _PageRequest, name: str) -> Page:
    # The query for files also counts them, so the last page is not known before it.
    wanted = asked.query.get("page", "")
    shown = Rows.of(wanted, 10**9, _FILES_PER_PAGE)
    found = asked.index and files_of(asked.index, name, start=shown.start, count=_FILES_PER_PAGE)
    if asked.index and found and not found.shown:
        shown = Rows.of(wanted, found.total, _FILES_PER_PAGE)
        found = files_of(asked.index, name, start=shown.start, count=_FILES_PER_PAGE)
    if not found:
        missing = {"name": name[:_MAX_QUERY], "files": None, "summary": ""}
        body = partial(_render, "package.html", asked, **missing)
        return _page(body, HTTPStatus.NOT_FOUND)
    return _page(partial(_render, "package.html", asked, **_package(asked, name, found, wanted)))


def _package(asked: _PageRequest, name: str, found: NameFiles, wanted: str) -> dict[str, Any]:
    return {
        "name": name,
        "files": found,
        "summary": _text(found.about, "summary"),
        "description": _text(found.about, "description"),
        "licence": found.license or _text(found.about, "license"),
        "links": _links(found.about),
        "snippets": _snippets(asked, name),
        "rows": [_row(file) for file in found.shown],
        "page": Rows.of(wanted, found.total, _FILES_PER_PAGE),
        "query": query(name=name),
    }


def _page(body: Callable[[], bytes], status: HTTPStatus = HTTPStatus.OK) -> Page:
    return Page(layout.content_type(layout.INDEX_HTML), body, headers=HEADERS, status=status)


def _render(template: str, asked: _PageRequest, **values: Any) -> bytes:
    return render(template, channel=shown_base_path(asked.channel.base_path), **values)


def _row(file: ListedFile) -> dict[str, Any]:
    return {
        "file": file,
        "href": f"{quote(file.subdir, safe='')}/{quote(file.filename, safe='')}",
        "size": _size(file.size),
        "built": _date(file.built),
        "uploaded": _date(file.uploaded),
    }


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d") if seconds else ""


def _text(about: About, field: str) -> str:
    value = about.get(field, "")
    return value if isinstance(value, str) else "\n".join(value)


def _links(about: About) -> list[tuple[str, str]]:
    """Return the first link of each kind; `about.describe` has dropped all but web addresses."""
    found = ((title, _text(about, field).partition("\n")[0]) for title, field in _LINKS)
    return [(title, url) for title, url in found if url.startswith(("https://", "http://"))]


def _snippets(asked: _PageRequest, name: str) -> list[tuple[str, str]]:
    """Return the install commands of each client, and the settings for .condarc."""
    channel, package = shell_quote(asked.url), shell_quote(name)
    return [
        ("conda", f"conda install --channel {channel} {package}"),
        ("mamba", f"mamba install --channel {channel} {package}"),
        ("pixi", f"pixi workspace channel add {channel}\npixi add {package}"),
        (".condarc", _condarc(asked)),
    ]


def _condarc(asked: _PageRequest) -> str:
    """Return settings that let conda and mamba find the owner's channels by name.

    Several versions of both fail on a channel whose URL equals `channel_alias`, since it has no
    name. Such a channel is listed by its URL.
    """
    url, name = asked.url, ChannelName.of_base_path(asked.channel.base_path).name
    if name and url.endswith(f"/{name}"):
        alias = url.removesuffix(f"/{name}")
    elif name == settings.CONDA_DEFAULT_CHANNEL and url.endswith("/conda"):
        alias = url
    else:
        return f'channels:\n  - "{url}"\ndefault_channels: []'
    return f'channel_alias: "{alias}"\nchannels:\n  - "{name}"\ndefault_channels: []'
