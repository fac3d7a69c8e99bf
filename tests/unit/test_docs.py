"""Every link of the documentation has a target, and every page is in the navigation.

MkDocs builds the pages as Pulp's site does (the project pulp-docs): a folder's `_SUMMARY.md` orders
its pages. It warns of links and anchors that lead nowhere, and of pages left out. Links from
`docs/index.md`, which that site moves, begin with `site:` and the project's name.
"""

import logging
import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

_CHECKOUT = Path(__file__).resolve().parent.parent.parent
_OUR_SITE = "site:pulp_conda/"
_CONFIGURATION = """
site_name: pulp_conda
theme: mkdocs
use_directory_urls: false
not_in_nav: _SUMMARY.md
plugins: [{literate-nav: {nav_file: _SUMMARY.md}}]
validation:
  nav: {omitted_files: warn, not_found: warn, absolute_links: warn}
  links: {not_found: warn, anchors: warn, absolute_links: warn, unrecognized_links: warn}
"""


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder with the pages of the checkout, and the files that they link to."""
    folder = tmp_path / "pages"
    folder.mkdir()
    for name in ["docs", "LICENSE", *(path.name for path in _CHECKOUT.glob("*.md"))]:
        (folder / name).symlink_to(_CHECKOUT / name)
    return folder


def faults(pages: Path, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Build the pages; return the warnings of MkDocs."""
    sections = [
        {path.parent.name: path.parent.relative_to(pages).as_posix() + "/"}
        for path in sorted((pages / "docs").glob("*/*/_SUMMARY.md"))
    ]
    configuration = pages.parent / "mkdocs.yml"
    configuration.write_text(_CONFIGURATION)
    config = load_config(
        str(configuration),
        docs_dir=str(pages),
        nav=[*sorted(path.name for path in pages.glob("*.md")), "docs/index.md", *sections],
    )
    with caplog.at_level(logging.WARNING, logger="mkdocs"):
        build(config)
    return [record.getMessage() for record in caplog.records]


def test_every_link_and_page_is_found(pages: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert faults(pages, caplog) == []


def test_links_to_our_own_site_are_found() -> None:
    linked = re.findall(r"\]\(site:([^)#]*)", (_CHECKOUT / "docs/index.md").read_text())
    missing = [
        link
        for link in linked
        if not (_CHECKOUT / f"{link.removeprefix('pulp_conda/').rstrip('/')}.md").is_file()
    ]
    assert linked
    assert missing == []
