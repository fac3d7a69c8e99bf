"""Repodata patches: instructions that change records and leave packages alone.

The semantics are those of conda-index, and of CEP 21 for version 2, except where a client would
fail on the result: see `merged` here, and `patch_instructions.parse_instructions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from pulp_conda.formats.errors import InvalidFilename
from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.records import Record
from pulp_conda.formats.run_exports import RunExports

from .channeldata import ChannelPackage
from .shards import Patched

FILENAME: Final = "patch_instructions.json"

RUN_EXPORTS: Final = "run_exports"
_REVOKED: Final = "package_has_been_revoked"
_CONDA: Final = ".conda"
_TAR_BZ2: Final = ".tar.bz2"


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """The structure of `patch_instructions.json`."""

    packages: dict[str, msgspec.Raw] = {}
    packages_conda: dict[str, msgspec.Raw] = msgspec.field(
        name="packages.conda", default_factory=dict
    )
    patch_instructions_version: int = 1
    remove: list[str] = []
    revoke: list[str] = []


@dataclass(frozen=True, slots=True)
class Instructions:
    """The patch instructions for one subdir.

    Entries are kept as JSON and decoded when a record needs them. So an index that changes by a few
    names decodes a few of some hundred thousand entries.
    """

    version: int = 1
    packages: Mapping[str, msgspec.Raw] = field(default_factory=dict)
    packages_conda: Mapping[str, msgspec.Raw] = field(default_factory=dict)
    revoke: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()

    @classmethod
    def load(cls, data: bytes) -> Instructions:
        """Return the instructions that `canonical` has written; nothing is checked."""
        document = msgspec.json.decode(data, type=Document)
        return cls(
            version=document.patch_instructions_version,
            packages=document.packages,
            packages_conda=document.packages_conda,
            revoke=frozenset(document.revoke),
            remove=frozenset(document.remove),
        )

    def canonical(self) -> bytes:
        """Return the canonical serialisation: equal instructions give equal bytes."""
        document = Document(
            packages=dict(sorted(self.packages.items())),
            packages_conda=dict(sorted(self.packages_conda.items())),
            patch_instructions_version=self.version,
            remove=sorted(self.remove),
            revoke=sorted(self.revoke),
        )
        return msgspec.json.encode(document)

    def apply(self, filename: str, record: Record) -> Record | None:
        """Return the patched record, None if the file is removed.

        `record` itself is not changed, and it is returned if no patch changes it. A patched record
        may need `v3` though the record did not, or the other way round.
        """
        if _names(self.remove, filename):
            return None
        patched = record
        for entry in self._entries(filename):
            changes = {key: value for key, value in entry.items() if key != RUN_EXPORTS}
            patched = merged(patched, changes)
        if _names(self.revoke, filename):
            depends = [*(patched.get("depends") or ())]
            if _REVOKED not in depends:
                depends.append(_REVOKED)
            patched = {**patched, "revoked": True, "depends": depends}
        if patched is not record:
            # Clients require the list, even if it is empty.
            patched.setdefault("depends", [])
        return patched

    def apply_to_run_exports(
        self, filename: str, run_exports: RunExports | None
    ) -> RunExports | None:
        """Return the patched run exports (CEP 21).

        Unknown ones become known by a patch: then they are what the patch says.
        """
        for entry in self._entries(filename):
            if RUN_EXPORTS in entry:
                known = run_exports or {}
                run_exports = merged(known, entry[RUN_EXPORTS] or dict.fromkeys(known))
        return run_exports

    def patch(
        self, filename: str, record: Record, run_exports: RunExports | None
    ) -> Patched | None:
        """Return the patched package, None if it is removed. This is a `shards.Patch`."""
        patched = self.apply(filename, record)
        if patched is None:
            return None
        return Patched(patched, self.apply_to_run_exports(filename, run_exports))

    def describe(self, filename: str, package: ChannelPackage) -> ChannelPackage | None:
        """Return the patched package for channeldata, None if it is removed."""
        facts = {key: getattr(package, key) for key in ("build_number", "timestamp", "license")}
        patched = self.patch(filename, facts, package.run_exports)
        if patched is None:
            return None
        facts = {key: patched.record.get(key) for key in facts}
        return msgspec.structs.replace(package, run_exports=patched.run_exports, **facts)

    def _entries(self, filename: str) -> Iterator[dict[str, Any]]:
        """Yield the entries to merge into the record of a file; later entries win."""
        counterpart = _counterpart(filename)
        if counterpart is not None:
            yield from self._entry(self.packages, counterpart)
        yield from self._entry(self.packages, filename)
        if filename.endswith(_CONDA):
            yield from self._entry(self.packages_conda, filename)

    @staticmethod
    def _entry(entries: Mapping[str, msgspec.Raw], filename: str) -> Iterator[dict[str, Any]]:
        if filename in entries:
            yield msgspec.json.decode(entries[filename])


NOTHING: Final = Instructions()


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes`: null deletes a key, objects are merged, others replace.

    In conda-index, a null for an absent key adds a null. Here it adds nothing: some clients refuse
    a whole channel for a record with null in place of a list.
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


def changed_names(previous: Instructions, new: Instructions) -> set[str]:
    """Return the package names for which two sets of instructions for a subdir differ.

    File names that no package can have are ignored.
    """
    filenames = set(previous.revoke ^ new.revoke) | (previous.remove ^ new.remove)
    for before, after in (
        (previous.packages, new.packages),
        (previous.packages_conda, new.packages_conda),
    ):
        both = before.keys() & after.keys()
        filenames.update(before.keys() ^ after.keys())
        filenames.update(key for key in both if bytes(before[key]) != bytes(after[key]))
    # Both formats of a file have the same package name.
    return {name for filename in filenames if (name := _name(filename)) is not None}


def _counterpart(filename: str) -> str | None:
    """Return the name of the `.tar.bz2` that a `.conda` shares its instructions with."""
    if not filename.endswith(_CONDA):
        return None
    return filename.removesuffix(_CONDA) + _TAR_BZ2


def _names(filenames: frozenset[str], filename: str) -> bool:
    return filename in filenames or _counterpart(filename) in filenames


def _name(filename: str) -> str | None:
    try:
        return PackageFilename.parse(filename).name
    except InvalidFilename:
        return None
