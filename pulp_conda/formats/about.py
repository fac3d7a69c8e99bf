"""The descriptive fields of `info/about.json`, prepared for search and display."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

About = dict[str, str | list[str]]

_TEXTS: Final = ("summary", "description", "license", "license_family", "license_file")
_URLS: Final = ("home", "dev_url", "doc_url", "doc_source_url", "source_url")
_MAX_CHARACTERS: Final = 64 * 1024
# NUL and lone surrogates.
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def describe(about: Mapping[str, Any]) -> About:
    """Return the descriptive fields that are valid.

    A field is a string, or a list of strings if the recipe has several. Links are absolute http or
    https URLs, so that a web page may show them.
    """
    texts = {field: _strings(about.get(field)) for field in _TEXTS}
    links = {field: list(filter(_is_link, _strings(about.get(field)))) for field in _URLS}
    found = {**texts, **links}
    return {
        field: values[0] if len(values) == 1 else values
        for field, values in found.items()
        if values
    }


def _strings(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text[:_MAX_CHARACTERS] for text in values if isinstance(text, str) and _is_text(text)]


def _is_text(text: str) -> bool:
    """Return whether a string is not blank, and PostgreSQL can store it."""
    return bool(text.strip()) and _UNSTORABLE.search(text) is None


def _is_link(text: str) -> bool:
    try:
        url = urlsplit(text.strip())
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
