"""Repodata patches: `patch_instructions.json`, which changes records and leaves packages alone.

The meaning is conda-index's, of version 2 that of CEP 21, except where a client would fail on the
outcome: see `merged` and `parse_instructions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from pulp_conda.formats.errors import (
    DocumentTooLarge,
    InvalidDependency,
    InvalidField,
    InvalidFilename,
    InvalidJson,
    Phrase,
)
from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.index.channeldata import ChannelPackage
from pulp_conda.formats.index.shards import Patched
from pulp_conda.formats.index_json import check_fields
from pulp_conda.formats.json_documents import parse_object
from pulp_conda.formats.limits import Limits
from pulp_conda.formats.records import Record, canonical_json
from pulp_conda.formats.run_exports import RunExports, check_run_exports

FILENAME: Final = "patch_instructions.json"

_MAX_VERSION: Final = 2
_RUN_EXPORTS_VERSION: Final = 2
_RUN_EXPORTS: Final = "run_exports"
_REVOKED: Final = "package_has_been_revoked"
_CONDA: Final = ".conda"
_TAR_BZ2: Final = ".tar.bz2"

# What says which bytes a record stands for and where they are: clients verify the file by the
# first kind, look its name up by the second, and the server alone knows the third.
PROTECTED_FIELDS: Final[frozenset[str]] = frozenset(
    {
        *("md5", "sha256", "size", "legacy_bz2_md5", "legacy_bz2_size"),
        *("name", "version", "build", "subdir", "fn", "url", "channel"),
        *("indexed_timestamp", "attestations_sha256"),
    }
)


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    packages: dict[str, msgspec.Raw] = {}
    packages_conda: dict[str, msgspec.Raw] = msgspec.field(
        name="packages.conda", default_factory=dict
    )
    patch_instructions_version: int = 1
    remove: list[str] = []
    revoke: list[str] = []


@dataclass(frozen=True, slots=True)
class Instructions:
    """What the records of one subdir are to be changed by.

    Entries are kept as JSON and read when a record needs them: an index that changes by a few
    names reads a few of some hundred thousand.
    """

    version: int = 1
    packages: Mapping[str, msgspec.Raw] = field(default_factory=dict)
    packages_conda: Mapping[str, msgspec.Raw] = field(default_factory=dict)
    revoke: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()

    @classmethod
    def load(cls, data: bytes) -> Instructions:
        """Return what `canonical` wrote; nothing is checked."""
        document = msgspec.json.decode(data, type=_Document)
        return cls(
            version=document.patch_instructions_version,
            packages=document.packages,
            packages_conda=document.packages_conda,
            revoke=frozenset(document.revoke),
            remove=frozenset(document.remove),
        )

    def canonical(self) -> bytes:
        """Return the one serialisation: equal bytes of equal instructions."""
        document = _Document(
            packages=dict(sorted(self.packages.items())),
            packages_conda=dict(sorted(self.packages_conda.items())),
            patch_instructions_version=self.version,
            remove=sorted(self.remove),
            revoke=sorted(self.revoke),
        )
        return msgspec.json.encode(document)

    def apply(self, filename: str, record: Record) -> Record | None:
        """Return the record as clients are to see it, None when they are not to see it.

        A record that is not touched is returned as it is, and `record` itself never changes.
        The outcome may be one that only `v3` may serve, though the record was not, or the other
        way round.
        """
        if _names(self.remove, filename):
            return None
        patched = record
        for entry in self._entries(filename):
            changes = {key: value for key, value in entry.items() if key != _RUN_EXPORTS}
            patched = merged(patched, changes)
        if _names(self.revoke, filename):
            depends = [*(patched.get("depends") or ())]
            if _REVOKED not in depends:
                depends.append(_REVOKED)
            patched = {**patched, "revoked": True, "depends": depends}
        if patched is not record:
            # A record without requirements says so: clients want the list.
            patched.setdefault("depends", [])
        return patched

    def apply_to_run_exports(self, filename: str, run_exports: RunExports) -> RunExports:
        """Return the run exports as build tools are to see them (CEP 21)."""
        for entry in self._entries(filename):
            if _RUN_EXPORTS in entry:
                run_exports = merged(run_exports, entry[_RUN_EXPORTS] or dict.fromkeys(run_exports))
        return run_exports

    def patch(self, filename: str, record: Record, run_exports: RunExports) -> Patched | None:
        """Return what clients are to see of a package, None for nothing: a shards' `Patch`."""
        patched = self.apply(filename, record)
        if patched is None:
            return None
        return Patched(patched, self.apply_to_run_exports(filename, run_exports))

    def describe(self, filename: str, package: ChannelPackage) -> ChannelPackage | None:
        """Return what channeldata.json is to see of a package, None for nothing."""
        facts = {key: getattr(package, key) for key in ("build_number", "timestamp", "license")}
        patched = self.patch(filename, facts, package.run_exports)
        if patched is None:
            return None
        facts = {key: patched.record.get(key) for key in facts}
        return msgspec.structs.replace(package, run_exports=patched.run_exports, **facts)

    def _entries(self, filename: str) -> Iterator[dict[str, Any]]:
        """Yield what is to be merged into the record of a file, the strongest last."""
        twin = _twin(filename)
        if twin is not None:
            yield from self._entry(self.packages, twin)
        yield from self._entry(self.packages, filename)
        if filename.endswith(_CONDA):
            yield from self._entry(self.packages_conda, filename)

    @staticmethod
    def _entry(entries: Mapping[str, msgspec.Raw], filename: str) -> Iterator[dict[str, Any]]:
        if filename in entries:
            yield msgspec.json.decode(entries[filename])


NOTHING: Final = Instructions()


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes`: null deletes a key, objects are merged, all else replaces.

    Unlike conda-index, a null for a key that is not there adds nothing: a record with null in
    place of a list makes some clients refuse the whole channel.
    """
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = value
    return result


def changed_names(old: Instructions, new: Instructions) -> set[str]:
    """Return the names of the packages for which two instructions of one subdir differ.

    A file name that is none of a package touches nothing.
    """
    filenames = set(old.revoke ^ new.revoke) | (old.remove ^ new.remove)
    for before, after in (
        (old.packages, new.packages),
        (old.packages_conda, new.packages_conda),
    ):
        both = before.keys() & after.keys()
        filenames.update(before.keys() ^ after.keys())
        filenames.update(key for key in both if bytes(before[key]) != bytes(after[key]))
    # Twins have the same name.
    return {name for filename in filenames if (name := _name(filename)) is not None}


def parse_instructions(
    data: bytes, *, subdir: str, member: str, limits: Limits, now: float
) -> Instructions:
    """Return the instructions for `subdir` in `data`, the content of `member`.

    Strict where conda-index is not: every record that they may touch must stay one that all
    clients read, and goes on standing for the same file. Takes a minute at the most.

    Raises:
        DocumentTooLarge: there are more bytes or entries than the limits allow.
        InvalidJson: it has not the shape of instructions.
        InvalidField: a field may not be patched, or not to this value.
        InvalidDependency: a requirement is no MatchSpec.
    """
    if len(data) > limits.patch_document_bytes:
        raise DocumentTooLarge(member, len(data), limits.patch_document_bytes)
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidJson(member, Phrase(error)) from error
    except RecursionError as error:
        raise InvalidJson(member, Phrase("it is nested too deeply")) from error
    _check_shape(document, member, limits)
    check = _EntryCheck(document.patch_instructions_version, subdir, member, limits, now)
    return Instructions(
        version=document.patch_instructions_version,
        packages=check.all_of(document.packages),
        packages_conda=check.all_of(document.packages_conda),
        revoke=frozenset(document.revoke),
        remove=frozenset(document.remove),
    )


def _check_shape(document: _Document, member: str, limits: Limits) -> None:
    if not 0 <= document.patch_instructions_version <= _MAX_VERSION:
        raise InvalidField(
            member, "patch_instructions_version", Phrase(f"known are 1 and {_MAX_VERSION}")
        )
    entries = (document.packages, document.packages_conda, document.revoke, document.remove)
    if sum(map(len, entries)) > limits.patch_entries:
        raise InvalidJson(member, Phrase(f"it names more than {limits.patch_entries:,} files"))


@dataclass(frozen=True, slots=True)
class _EntryCheck:
    version: int
    subdir: str
    member: str
    limits: Limits
    now: float

    def all_of(self, entries: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
        """Return the entries that say anything, each in its one serialisation."""
        checked = {name: self._checked(name, bytes(raw)) for name, raw in sorted(entries.items())}
        return {
            name: msgspec.Raw(canonical_json(entry)) for name, entry in checked.items() if entry
        }

    def _checked(self, filename: str, data: bytes) -> dict[str, Any]:
        where = f"{filename} of {self.member}"
        entry = parse_object(data, member=where, max_depth=self.limits.json_depth)
        if wrong := sorted(PROTECTED_FIELDS & entry.keys()):
            raise InvalidField(where, wrong[0], Phrase("it says which file this is: not to patch"))
        if _RUN_EXPORTS in entry:
            self._check_run_exports(entry[_RUN_EXPORTS], where)
        # As in the record of a package: its legacy boolean, and false for absent.
        if "noarch" in entry:
            entry["noarch"] = "generic" if entry["noarch"] is True else entry["noarch"] or None
        try:
            check_fields({**_without_nulls(entry), "subdir": self.subdir}, self.now)
        except (InvalidField, InvalidDependency) as error:
            raise replace(error, member=where) from None
        if "build_number" in entry and entry["build_number"] is None:
            raise InvalidField(where, "build_number", Phrase("no record can lack it"))
        return entry

    def _check_run_exports(self, value: Any, where: str) -> None:
        if self.version < _RUN_EXPORTS_VERSION:
            reason = f"it needs patch_instructions_version {_RUN_EXPORTS_VERSION}"
            raise InvalidField(where, _RUN_EXPORTS, Phrase(reason))
        if not isinstance(value, dict | None):
            raise InvalidField(where, _RUN_EXPORTS, Phrase("it must be an object or null"))
        check_run_exports(_without_nulls(value or {}), where)


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """Return what an entry leaves in a record that has none of its keys."""
    return merged({}, value)


def _twin(filename: str) -> str | None:
    """Return the older format's name of a file of the newer, which shares its instructions."""
    if not filename.endswith(_CONDA):
        return None
    return filename.removesuffix(_CONDA) + _TAR_BZ2


def _names(filenames: frozenset[str], filename: str) -> bool:
    return filename in filenames or _twin(filename) in filenames


def _name(filename: str) -> str | None:
    try:
        return PackageFilename.parse(filename).name
    except InvalidFilename:
        return None
