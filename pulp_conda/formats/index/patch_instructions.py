"""Read and validate `patch_instructions.json`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from pulp_conda.formats.errors import (
    DocumentTooLarge,
    InvalidDependency,
    InvalidField,
    InvalidJson,
    TrustedText,
)
from pulp_conda.formats.index_json import check_fields
from pulp_conda.formats.json_documents import parse_object
from pulp_conda.formats.limits import Limits
from pulp_conda.formats.records import canonical_json
from pulp_conda.formats.run_exports import check_run_exports

from .patches import RUN_EXPORTS, Document, Instructions, merged

_MAX_VERSION: Final = 2
_RUN_EXPORTS_VERSION: Final = 2

# The fields that say which file a record stands for. Clients verify the file by those of the first
# row and find it by those of the second; only the server knows those of the third.
PROTECTED_FIELDS: Final[frozenset[str]] = frozenset(
    {
        *("md5", "sha256", "size", "legacy_bz2_md5", "legacy_bz2_size"),
        *("name", "version", "build", "subdir", "fn", "url", "channel"),
        *("indexed_timestamp", "attestations_sha256"),
    }
)


def parse_instructions(
    data: bytes, *, subdir: str, member: str, limits: Limits, now: float
) -> Instructions:
    """Return the instructions for `subdir` in `data`, the content of the file `member`.

    Stricter than conda-index: a patched record must still be one that all clients can read, and
    must still stand for the same file. `now` is in seconds since the epoch.

    Raises:
        DocumentTooLarge: there are more bytes or entries than the limits allow.
        InvalidJson: it does not have the structure of instructions.
        InvalidField: a field may not be patched, or not to this value.
        InvalidDependency: a requirement is not a MatchSpec.
    """
    if len(data) > limits.patch_document_bytes:
        raise DocumentTooLarge(member, len(data), limits.patch_document_bytes)
    try:
        document = msgspec.json.decode(data, type=Document)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidJson(member, TrustedText(error)) from error
    except RecursionError as error:
        raise InvalidJson(member, TrustedText("it is nested too deeply")) from error
    _check_shape(document, member, limits)
    check = _EntryCheck(document.patch_instructions_version, subdir, member, limits, now)
    return Instructions(
        version=document.patch_instructions_version,
        packages=check.all_of(document.packages),
        packages_conda=check.all_of(document.packages_conda),
        revoke=frozenset(document.revoke),
        remove=frozenset(document.remove),
    )


def _check_shape(document: Document, member: str, limits: Limits) -> None:
    if not 0 <= document.patch_instructions_version <= _MAX_VERSION:
        raise InvalidField(
            member, "patch_instructions_version", TrustedText(f"known are 1 and {_MAX_VERSION}")
        )
    entries = (document.packages, document.packages_conda, document.revoke, document.remove)
    if sum(map(len, entries)) > limits.patch_entries:
        raise InvalidJson(member, TrustedText(f"it names more than {limits.patch_entries:,} files"))


@dataclass(frozen=True, slots=True)
class _EntryCheck:
    version: int
    subdir: str
    member: str
    limits: Limits
    now: float

    def all_of(self, entries: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
        """Return the entries that are not empty, as canonical JSON."""
        checked = {name: self._checked(name, bytes(raw)) for name, raw in sorted(entries.items())}
        return {
            name: msgspec.Raw(canonical_json(entry)) for name, entry in checked.items() if entry
        }

    def _checked(self, filename: str, data: bytes) -> dict[str, Any]:
        where = f"{filename} of {self.member}"
        entry = parse_object(data, member=where, max_depth=self.limits.json_depth)
        if wrong := sorted(PROTECTED_FIELDS & entry.keys()):
            raise InvalidField(
                where, wrong[0], TrustedText("it says which file this is: not to patch")
            )
        if RUN_EXPORTS in entry:
            self._check_run_exports(entry[RUN_EXPORTS], where)
        # As for the record of a package: true means generic, and false means absent.
        if "noarch" in entry:
            entry["noarch"] = "generic" if entry["noarch"] is True else entry["noarch"] or None
        try:
            check_fields({**_without_nulls(entry), "subdir": self.subdir}, self.now)
        except (InvalidField, InvalidDependency) as error:
            raise replace(error, member=where) from None
        if "build_number" in entry and entry["build_number"] is None:
            raise InvalidField(where, "build_number", TrustedText("no record can lack it"))
        return entry

    def _check_run_exports(self, value: Any, where: str) -> None:
        if self.version < _RUN_EXPORTS_VERSION:
            reason = f"it needs patch_instructions_version {_RUN_EXPORTS_VERSION}"
            raise InvalidField(where, RUN_EXPORTS, TrustedText(reason))
        if not isinstance(value, dict | None):
            raise InvalidField(where, RUN_EXPORTS, TrustedText("it must be an object or null"))
        check_run_exports(_without_nulls(value or {}), where)


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """Return what an entry adds to an empty record."""
    return merged({}, value)
