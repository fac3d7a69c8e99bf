"""A channel's page for people: its packages, and the files of each.

Package metadata is hostile until proven otherwise: templates escape all of it, and the policy
that goes with a page lets nothing run but the script that we wrote.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from shlex import quote as shell_quote
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pulp_conda.app.channels.contents import File, Files, files_of, listing_of
from pulp_conda.formats.about import About
from pulp_conda.formats.channeldata import Listing, search

from .generated import Asked, Generated

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
    "X-Frame-Options": "DENY",
}

_LINKS: Final = (
    ("Home", "home"),
    ("Documentation", "doc_url"),
    ("Development", "dev_url"),
    ("Source", "source_url"),
)


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of many rows."""

    number: int
    last: int
    total: int
    size: int

    @classmethod
    def of(cls, wanted: str, total: int, size: int) -> "_Page":
        """Return the page that is nearest to what a query asks for."""
        last = max(1, -(-total // size))
        number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 1
        return cls(min(max(1, number), last), last, total, size)

    @property
    def start(self) -> int:
        return (self.number - 1) * self.size

    def rows(self, names: Sequence[str]) -> Sequence[str]:
        """Return the rows that are on it."""
        return names[self.start : self.start + self.size]


def page(asked: Asked) -> Generated:
    """Return the page of the channel, or of one package (`?name=`)."""
    if name := asked.query.get("name", "").strip():
        return _package_page(asked, name)
    return _channel_page(asked)


def _channel_page(asked: Asked) -> Generated:
    listing = listing_of(asked.index) if asked.index else Listing()
    q = asked.query.get("q", "").strip()[:_MAX_QUERY]
    found = search(listing, q) if listing else []
    shown = _Page.of(asked.query.get("page", ""), len(found), _NAMES_PER_PAGE)
    return _rendered(
        "channel.html",
        asked,
        listing=listing,
        total=len(listing.packages) if listing else 0,
        q=q,
        page=shown,
        query=_query(q=q) if q else "",
        rows=[(name, listing.packages[name]) for name in shown.rows(found)] if listing else [],
        snippets=_snippets(asked.url, "PACKAGE"),
        private=asked.private,
    )


def _package_page(asked: Asked, name: str) -> Generated:
    # How many there are is known only with the first of them.
    wanted = asked.query.get("page", "")
    shown = _Page.of(wanted, 10**9, _FILES_PER_PAGE)
    found = asked.index and files_of(asked.index, name, start=shown.start, count=_FILES_PER_PAGE)
    if asked.index and found and not found.shown:
        shown = _Page.of(wanted, found.total, _FILES_PER_PAGE)
        found = files_of(asked.index, name, start=shown.start, count=_FILES_PER_PAGE)
    if not found:
        return _rendered(
            "package.html", asked, status=404, name=name[:_MAX_QUERY], files=None, summary=""
        )
    return _rendered("package.html", asked, **_package(asked, name, found, wanted))


def _package(asked: Asked, name: str, found: Files, wanted: str) -> dict[str, Any]:
    return {
        "name": name,
        "files": found,
        "summary": _text(found.about, "summary"),
        "description": _text(found.about, "description"),
        "licence": found.license or _text(found.about, "license"),
        "links": _links(found.about),
        "snippets": _snippets(asked.url, name),
        "rows": [_row(file) for file in found.shown],
        "page": _Page.of(wanted, found.total, _FILES_PER_PAGE),
        "query": _query(name=name),
    }


def _rendered(template: str, asked: Asked, *, status: int = 200, **values: Any) -> Generated:
    text = _TEMPLATES.get_template(template).render(channel=asked.title, **_OURS, **values)
    return Generated(text.encode(), "text/html; charset=utf-8", _HEADERS, status)


def _query(**values: str) -> str:
    return urlencode(values) + "&"


def _row(file: File) -> tuple[File, str, str, str]:
    href = f"{quote(file.subdir, safe='')}/{quote(file.filename, safe='')}"
    return file, href, _size(file.size), _date(file.timestamp)


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


def _snippets(url: str, name: str) -> list[tuple[str, str]]:
    """Return what to type for each client, and what to write into .condarc."""
    channel, package = shell_quote(url), shell_quote(name)
    return [
        ("conda", f"conda install --channel {channel} {package}"),
        ("mamba", f"mamba install --channel {channel} {package}"),
        ("pixi", f"pixi workspace channel add {channel}\npixi add {package}"),
        (".condarc", f"channels:\n  - {url}"),
    ]
