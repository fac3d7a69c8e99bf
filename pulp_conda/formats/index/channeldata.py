"""The entries of `channeldata.json`, which describe each name of a channel (CEP 38).

An entry describes the packages of one name in all subdirs. It depends on these packages alone, so
entries of earlier documents can be used again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from pulp_conda.formats.about import About
from pulp_conda.formats.archives.contents import Trait
from pulp_conda.formats.records import canonical_json
from pulp_conda.formats.run_exports import RunExports
from pulp_conda.formats.version_order import version_ranks

CHANNELDATA_VERSION: Final = 1

_TRAITS: Final[tuple[Trait, ...]] = (
    "activate.d",
    "binary_prefix",
    "deactivate.d",
    "post_link",
    "pre_link",
    "pre_unlink",
    "text_prefix",
)
_FIELDS: Final = (
    "description",
    "dev_url",
    "doc_source_url",
    "doc_url",
    "home",
    "source_url",
    "summary",
)
_TEXTS: Final = frozenset({"description", "summary"})
# 9999-12-31 in seconds. conda takes greater numbers for milliseconds.
_LAST_SECOND: Final = 253_402_300_799


class ChannelPackage(msgspec.Struct, frozen=True, gc=False):
    """The facts of a package that an entry is made of."""

    subdir: str
    version: str
    build_number: int = 0
    timestamp: int | float | None = None
    """As in the record: in milliseconds, or in seconds in old packages."""
    license: str | None = None
    about: About = {}
    """As `about.describe` returns it."""
    run_exports: RunExports | None = {}
    """None if they are unknown."""
    traits: Sequence[str] = ()


class DescribedPackage(NamedTuple):
    """A package as a channel lists it for channeldata, before patches."""

    name: str
    filename: str
    package: ChannelPackage


def channel_entry(name: str, packages: Iterable[ChannelPackage]) -> dict[str, Any]:
    """Return the entry of a name, whatever the order of its packages.

    Each field comes from the newest package that has it: newest by version, then by timestamp. A
    trait is true if any package has it. The run exports of a version come from the newest package
    that the version has in a subdir and whose run exports are known; of several subdirs, from the
    newest that has any.

    Raises:
        ValueError: there are no packages.
    """
    ordered, timestamp = _newest_first(packages)
    if not ordered:
        raise ValueError(f"{name} has no packages")
    traits = {trait for package in ordered for trait in package.traits}
    return {
        **_described(ordered),
        **{trait: trait in traits for trait in _TRAITS},
        "run_exports": _run_exports(ordered),
        "subdirs": sorted({package.subdir for package in ordered}),
        "timestamp": timestamp,
        "version": ordered[0].version,
    }


def channel_fragment(name: str, packages: Iterable[ChannelPackage]) -> str:
    """Return `"name":entry` as canonical JSON."""
    key = msgspec.json.encode(name)
    return (key + b":" + canonical_json(channel_entry(name, packages))).decode()


def timestamp_seconds(timestamp: object) -> int:
    """Return the timestamp of a record in seconds, 0 if it is not a timestamp."""
    return timestamp_milliseconds(timestamp) // 1000


def timestamp_milliseconds(timestamp: object) -> int:
    """Return the timestamp of a record in milliseconds, 0 if it is not a timestamp."""
    if not isinstance(timestamp, int | float) or isinstance(timestamp, bool):
        return 0
    milliseconds = int(timestamp) if timestamp > _LAST_SECOND else int(timestamp) * 1000
    return milliseconds if 0 <= milliseconds // 1000 <= _LAST_SECOND else 0


def _newest_first(packages: Iterable[ChannelPackage]) -> tuple[list[ChannelPackage], int]:
    """Return the packages, newest first, and the greatest of their timestamps."""
    found = list(packages)
    ranks = version_ranks({package.version for package in found})
    keys = [
        (
            -ranks[package.version],
            -timestamp_seconds(package.timestamp),
            -package.build_number,
            package.subdir,
            package.version,
        )
        for package in found
    ]
    order = sorted(range(len(found)), key=keys.__getitem__)
    if tied := {key for key, count in Counter(keys).items() if count > 1}:
        # Equal keys, as of a package in both formats: the content decides, and not the order given.
        pairs = zip(keys, found, strict=True)
        contents = [_content(each) if key in tied else b"" for key, each in pairs]
        order.sort(key=lambda position: (keys[position], contents[position]))
    newest = -min((key[1] for key in keys), default=0)
    return [found[position] for position in order], newest


def _content(package: ChannelPackage) -> bytes:
    return canonical_json(msgspec.structs.asdict(package))


def _described(packages: Sequence[ChannelPackage]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in _FIELDS:
        values = (package.about.get(field) for package in packages)
        if value := next(filter(None, values), None):
            found[field] = _value(field, value)
    licenses = (package.license or package.about.get("license") for package in packages)
    if value := next(filter(None, licenses), None):
        found["license"] = _value("license", value)
    return found


def _value(field: str, value: Sequence[str]) -> Sequence[str]:
    if field in _TEXTS:
        text = value if isinstance(value, str) else " ".join(value)
        return text.strip().replace("\n", " ")
    # CEP 38 allows a list for source_url alone.
    return value if isinstance(value, str) or field == "source_url" else value[0]


def _run_exports(packages: Iterable[ChannelPackage]) -> dict[str, RunExports]:
    seen: set[tuple[str, str]] = set()
    exports: dict[str, RunExports] = {}
    for package in packages:
        key = (package.version, package.subdir)
        if key in seen or package.run_exports is None:
            continue
        seen.add(key)
        if package.run_exports:
            exports.setdefault(package.version, package.run_exports)
    return exports
