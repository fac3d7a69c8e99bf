"""Rendering of HTML pages, from templates that escape every value.

Package metadata is untrusted. The content security policy of a page allows only our own script.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_Row = TypeVar("_Row")

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


HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_source(_SCRIPT)}; style-src {_source(_STYLE)}; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # The URL of the page may hold a token, which the sites that it links to must not see.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every page."""


def render(template: str, **values: Any) -> bytes:
    """Render a template."""
    return _TEMPLATES.get_template(template).render(**_OURS, **values).encode()


def query(**values: str) -> str:
    """Return the start of a URL query, to which further parameters can be appended."""
    return urlencode(values) + "&"


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a long list of rows; page numbers start at 1."""

    number: int
    last: int
    total: int
    size: int

    @classmethod
    def of(cls, wanted: str, total: int, size: int) -> Self:
        """Return the page that a query parameter asks for, or the nearest that exists."""
        last = max(1, -(-total // size))
        number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 1
        return cls(min(max(1, number), last), last, total, size)

    @property
    def start(self) -> int:
        """The index of the first row on the page, from 0."""
        return (self.number - 1) * self.size

    def of_all(self, rows: Sequence[_Row]) -> Sequence[_Row]:
        """Select the page's rows from all rows."""
        return rows[self.start : self.start + self.size]
