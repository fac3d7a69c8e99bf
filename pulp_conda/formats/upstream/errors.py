"""The reasons for which a document or a record of an upstream is not taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from pulp_conda.formats.errors import InvalidPackage, TrustedText

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that it cannot decode."""


@dataclass(eq=False)
class UnusableDocument(InvalidPackage):
    """A document or a shard that cannot be read, or that cannot be what it should be."""

    code = "unusable-document"
    sentence = "{document} cannot be used: {reason}"

    document: TrustedText
    reason: TrustedText


@dataclass(eq=False)
class UnusableRecord(InvalidPackage):
    """A record that is left out of a mirror. The other records of its document are not affected."""

    code = "unusable-record"
    sentence = "the record of {filename} cannot be used: {reason}"

    filename: str
    reason: TrustedText


@dataclass(eq=False)
class UnusableFilter(InvalidPackage):
    """A MatchSpec that cannot select packages of an upstream."""

    code = "unusable-filter"
    sentence = "the filter {spec} cannot be used: {reason}"

    spec: str
    reason: TrustedText
