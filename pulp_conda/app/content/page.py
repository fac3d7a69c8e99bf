"""A channel's page for people: its packages, and the files of each.

Package metadata is hostile until proven otherwise: templates escape all of it, and the policy
that goes with a page lets nothing run but the script that we wrote.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.resources import files
from shlex import quote as shell_quote
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

from aiohttp.web import Request
from django.conf import settings
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pulp_conda.app.authentication.addresses import address_of
from pulp_conda.app.channels.contents import File, Files, files_of, listing_of
from pulp_conda.app.models import ChannelName, shown_base_path
from pulp_conda.formats import layout
from pulp_conda.formats.about import About
from pulp_conda.formats.index.channeldata import Listing, search

from .lookup import Channel, Index
from .pages import Page

_NAMES_PER_PAGE: Final = 50
_FILES_PER_PAGE: Final = 100
_MAX_QUERY: Final = 200

_TEMPLATES: Final = Environment(
    loader=PackageLoader("pulp_conda.app.content", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_FOLDER = files("pulp_conda.app.content") / "templates"
_STYLE: Final = (_FOLDER / "page.css").read_text()
_SCRIPT: Final = (_FOLDER / "page.js").read_text()
_OURS: Final = {"style": Markup(_STYLE), "script": Markup(_SCRIPT)}  # noqa: S704 (our own files)


def _source(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_source(_SCRIPT)}; style-src {_source(_STYLE)}; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # The page's URL may hold a token; a project's home page is not to learn it.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_LINKS: Final = (
    ("Home", "home"),
    ("Documentation", "doc_url"),
    ("Development", "dev_url"),
    ("Source", "source_url"),
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a page depends on."""

    channel: Channel
    index: Index | None
    url: str
    """The channel's URL as the reader knows it, without credentials and without a slash."""
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Which of many rows are on a page."""

    number: int
    last: int
    total: int
    size: int

    @classmethod
    def of(cls, wanted: str, total: int, size: int) -> Self:
        """Return those of the page that is nearest to what a query asks for."""
        last = max(1, -(-total // size))
        number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 1
        return cls(min(max(1, number), last), last, total, size)

    @property
    def start(self) -> int:
        return (self.number - 1) * self.size

    def of_all(self, rows: Sequence[str]) -> Sequence[str]:
        """Return them out of all rows."""
        return rows[self.start : self.start + self.size]


def page(request: Request, channel: Channel, index: Index | None) -> Page:
    """Return the page of the channel, or of one package (`?name=`)."""
    asked = _Asked(channel, index, address_of(request), request.query)
    if name := request.query.get("name", "").strip():
        return _package_page(asked, name)
    return _channel_page(asked)


def _channel_page(asked: _Asked) -> Page:
    listing = listing_of(asked.index) if asked.index else Listing()
    q = asked.query.get("q", "").strip()[:_MAX_QUERY]
    found = search(listing, q) if listing else []
    shown = _Rows.of(asked.query.get("page", ""), len(found), _NAMES_PER_PAGE)
    return _rendered(
        "channel.html",
        asked,
        listing=listing,
        total=len(listing.packages) if listing else 0,
        q=q,
        page=shown,
        query=_query(q=q) if q else "",
        rows=[(name, listing.packages[name]) for name in shown.of_all(found)] if listing else [],
        snippets=_snippets(asked, "PACKAGE"),
        private=asked.channel.content_guard is not None,
    )


def _package_page(asked: _Asked, name: str) -> Page:
    # How many there are is known only with the first of them.
    wanted = asked.query.get("page", "")
    shown = _Rows.of(wanted, 10**9, _FILES_PER_PAGE)
    found = asked.index and files_of(asked.index, name, start=shown.start, count=_FILES_PER_PAGE)
    if asked.index and found and not found.shown:
        shown = _Rows.of(wanted, found.total, _FILES_PER_PAGE)
        found = files_of(asked.index, name, start=shown.start, count=_FILES_PER_PAGE)
    if not found:
        missing = {"name": name[:_MAX_QUERY], "files": None, "summary": ""}
        return _rendered("package.html", asked, status=HTTPStatus.NOT_FOUND, **missing)
    return _rendered("package.html", asked, **_package(asked, name, found, wanted))


def _package(asked: _Asked, name: str, found: Files, wanted: str) -> dict[str, Any]:
    return {
        "name": name,
        "files": found,
        "summary": _text(found.about, "summary"),
        "description": _text(found.about, "description"),
        "licence": found.license or _text(found.about, "license"),
        "links": _links(found.about),
        "snippets": _snippets(asked, name),
        "rows": [_row(file) for file in found.shown],
        "page": _Rows.of(wanted, found.total, _FILES_PER_PAGE),
        "query": _query(name=name),
    }


def _rendered(
    template: str, asked: _Asked, *, status: HTTPStatus = HTTPStatus.OK, **values: Any
) -> Page:
    title = shown_base_path(asked.channel.base_path)
    text = _TEMPLATES.get_template(template).render(channel=title, **_OURS, **values)
    type_ = layout.content_type(layout.INDEX_HTML)
    return Page(type_, text.encode(), headers=_HEADERS, status=status)


def _query(**values: str) -> str:
    return urlencode(values) + "&"


def _row(file: File) -> dict[str, Any]:
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
    """Return one link of each kind; `about.describe` let web addresses alone through."""
    found = ((title, _text(about, field).partition("\n")[0]) for title, field in _LINKS)
    return [(title, url) for title, url in found if url.startswith(("https://", "http://"))]


def _snippets(asked: _Asked, name: str) -> list[tuple[str, str]]:
    """Return what to type for each client, and what to write into .condarc."""
    channel, package = shell_quote(asked.url), shell_quote(name)
    return [
        ("conda", f"conda install --channel {channel} {package}"),
        ("mamba", f"mamba install --channel {channel} {package}"),
        ("pixi", f"pixi workspace channel add {channel}\npixi add {package}"),
        (".condarc", _condarc(asked)),
    ]


def _condarc(asked: _Asked) -> str:
    """Return the settings by which conda and mamba find the channel and its siblings by name.

    A channel whose URL is that of `channel_alias` has no name then, which several versions of
    both trip over.
    """
    url, name = asked.url, ChannelName.of_base_path(asked.channel.base_path).name
    if name and url.endswith(f"/{name}"):
        alias = url.removesuffix(f"/{name}")
    elif name == settings.CONDA_DEFAULT_CHANNEL and url.endswith("/conda"):
        alias = url
    else:
        return f'channels:\n  - "{url}"\ndefault_channels: []'
    return f'channel_alias: "{alias}"\nchannels:\n  - "{name}"\ndefault_channels: []'
