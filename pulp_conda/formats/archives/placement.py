"""The metadata documents of a package, and the paths that its other members must not have."""

from __future__ import annotations

import re
from typing import Final

from pulp_conda.formats.errors import MisplacedMember, TrustedText
from pulp_conda.formats.file_names import may_be, may_be_within

INDEX: Final = "info/index.json"
ABOUT: Final = "info/about.json"
PATHS: Final = "info/paths.json"
RUN_EXPORTS: Final = "info/run_exports.json"
DOCUMENTS: Final = frozenset({INDEX, ABOUT, PATHS, RUN_EXPORTS})

# No system treats an ASCII name with another beginning as `info` or `conda-meta`.
_MAYBE_RESERVED: Final = re.compile(r"conda-|info|\.", re.IGNORECASE)


def check_info_member(path: str) -> None:
    """Raise MisplacedMember if the info half of a `.conda` file must not have a member."""
    if path.partition("/")[0] != "info":
        reason = "the info half holds the folder info and nothing else"
        raise MisplacedMember(path, TrustedText(reason))


def check_payload_member(path: str) -> None:
    """Raise MisplacedMember if the payload half of a `.conda` file must not have a member.

    CEP 35 allows nothing of `info/` there, but conda-build leaves licences and tests in it.
    """
    if path in DOCUMENTS:
        raise MisplacedMember(path, TrustedText("metadata documents belong into the info half"))


def check_reserved(path: str) -> None:
    """Raise MisplacedMember for files of clients, and for other spellings of a document's path."""
    if path in DOCUMENTS or (path.isascii() and not _MAYBE_RESERVED.match(path)):
        return
    if may_be_within(path, "conda-meta") or may_be(path, "info/repodata_record.json"):
        raise MisplacedMember(path, TrustedText("only clients write it, when they install"))
    if path.partition("/")[0] != "info" and may_be_within(path, "info"):
        raise MisplacedMember(path, TrustedText("some systems take it for one in info"))
    if any(may_be(path, document) for document in DOCUMENTS):
        raise MisplacedMember(path, TrustedText("some systems take it for a metadata document"))
