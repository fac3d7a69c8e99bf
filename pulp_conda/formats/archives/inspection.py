"""Validate a package, and return its metadata.

The whole archive is read, with the payload, so that truncation, unsafe members and bombs are found
anywhere. Nothing is written, and only the metadata documents are kept in memory.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from pulp_conda.formats.archives.contents import PackageContents, Trait
from pulp_conda.formats.archives.placement import (
    ABOUT,
    DOCUMENTS,
    INDEX,
    PATHS,
    RUN_EXPORTS,
    check_info_member,
    check_payload_member,
    check_reserved,
)
from pulp_conda.formats.archives.streams import (
    BZIP2,
    Budget,
    Compression,
    ExpandedStream,
    Reader,
    zstandard,
)
from pulp_conda.formats.archives.tar_headers import MemberKind
from pulp_conda.formats.archives.tars import TarWalk
from pulp_conda.formats.archives.tree import PackageTree
from pulp_conda.formats.archives.zips import ZipMember, ZipMemberReader, read_directory
from pulp_conda.formats.errors import (
    BadMember,
    BadZipMember,
    DocumentTooLarge,
    LyingExtension,
    MissingDocument,
    MissingFile,
    MissingZipMember,
    PackageTooLarge,
    TrustedText,
    UnsupportedFormatVersion,
    WrongInnerName,
)
from pulp_conda.formats.identifiers import Extension, PackageFilename
from pulp_conda.formats.index_json import check_index
from pulp_conda.formats.json_documents import parse_object, salvage_object
from pulp_conda.formats.limits import Limits
from pulp_conda.formats.paths_json import PathEntry, parse_paths
from pulp_conda.formats.run_exports import parse_run_exports

_LEGACY_PATHS: Final = "info/files"
_METADATA: Final = "metadata.json"
_FORMAT_VERSION: Final = 2

_MAGIC: Final[dict[bytes, Extension]] = {b"BZh": "tar.bz2", b"PK\3": "conda"}

_SCRIPT: Final = re.compile(r"(?:bin|Scripts)/\.(.+)-(pre-link|post-link|pre-unlink)\.(?:sh|bat)")
_HOOK: Final = re.compile(r"etc/conda/((?:de)?activate\.d)/.")

_INSTRUCTIONS: Final = re.compile(r"(noarch|[a-z0-9]+-[a-z0-9]+)/patch_instructions\.json")

_TAR: Final = TrustedText("the package")

TakeInstructions = Callable[[str, bytes], None]
"""Takes a subdir, and the bytes of the patch instructions that a package has for it."""


def sniff(file: BinaryIO) -> Extension:
    """Return the format of `file` by its first bytes. Raises LyingExtension if it has neither."""
    file.seek(0)
    found = _MAGIC.get(file.read(3))
    file.seek(0)
    if found is None:
        raise LyingExtension(
            TrustedText("as a package"), TrustedText("neither a zip nor a bzip2 archive")
        )
    return found


def inspect(
    file: BinaryIO,
    extension: Extension,
    limits: Limits,
    *,
    now: float | None = None,
    claimed_subdir: str | None = None,
    instructions: TakeInstructions | None = None,
) -> PackageContents:
    """Validate the package in a seekable `file`; return its metadata.

    The timestamp of the package must not be later than `now`, in seconds since the epoch.
    `claimed_subdir` is used if the package names no subdir. `instructions` is called for each file
    of patch instructions. The processor time grows with the unpacked size, and is at most
    `limits.seconds_for` the size of the file.

    Raises:
        InvalidPackage: the subclass and its sentence say which rule is broken, and where.
    """
    size = file.seek(0, os.SEEK_END)
    if size > limits.package_bytes:
        raise PackageTooLarge(size, limits.package_bytes)
    file.seek(0)
    if _MAGIC.get(file.read(3)) != extension:
        raise LyingExtension(TrustedText(f".{extension}"), TrustedText("something else"))
    inspection = _Inspection(limits, Budget(limits, size), instructions)
    stem = None
    if extension == "conda":
        stem = inspection.read_conda(file, size)
    else:
        inspection.read_tar_bz2(file)
    index = inspection.index(time.time() if now is None else now, claimed_subdir)
    return inspection.contents(extension, stem, index)


class _Inspection:
    """Reads the halves of one package, and collects their metadata."""

    def __init__(
        self, limits: Limits, budget: Budget, instructions: TakeInstructions | None
    ) -> None:
        self._limits = limits
        self._budget = budget
        self._instructions = instructions
        self._tree = PackageTree(limits)
        self._documents: dict[str, bytes] = {}
        self._scripts: set[tuple[str, str]] = set()
        self._traits: set[Trait] = set()

    def read_tar_bz2(self, file: BinaryIO) -> None:
        """Read a `.tar.bz2` package."""
        file.seek(0)
        self._walk(file, BZIP2, _TAR)

    def read_conda(self, file: BinaryIO, size: int) -> str:
        """Read a `.conda` package; return the stem of the names of its members."""
        members = {member.name: member for member in read_directory(file, size)}
        self._check_format(file, members.pop(_METADATA, None))
        info, payload = _pop_member(members, "info-"), _pop_member(members, "pkg-")
        for name in members:
            raise BadZipMember(name, TrustedText("a .conda file holds three members, not this"))
        zst = zstandard(self._limits.zstd_window_log)
        self._walk(ZipMemberReader(file, info), zst, TrustedText(info.name), check_info_member)
        self._walk(
            ZipMemberReader(file, payload), zst, TrustedText(payload.name), check_payload_member
        )
        stem = _inner_stem(info.name)
        if _inner_stem(payload.name) != stem:
            raise WrongInnerName(payload.name, f"pkg-{stem}.tar.zst")
        return stem

    def index(self, now: float, claimed_subdir: str | None) -> dict[str, Any]:
        """Return `info/index.json`, checked and completed."""
        data = self._documents.get(INDEX)
        if data is None:
            raise MissingDocument(INDEX)
        index = parse_object(data, member=INDEX, max_depth=self._limits.json_depth)
        return check_index(index, now, claimed_subdir)

    def contents(
        self, extension: Extension, stem: str | None, index: dict[str, Any]
    ) -> PackageContents:
        """Check the collected metadata, and return it."""
        filename = PackageFilename(index["name"], index["version"], index["build"], extension)
        filename.check()
        if stem not in (None, filename.stem):
            raise WrongInnerName(f"info-{stem}.tar.zst", f"info-{filename.stem}.tar.zst")
        paths = self._paths()
        for entry in paths:
            self._budget.check_time()
            if not self._tree.holds(entry.path.removesuffix("/")):
                raise MissingFile(entry.path)
            if entry.prefix_placeholder is not None:
                self._traits.add("binary_prefix" if entry.is_binary else "text_prefix")
        if self._tree.check_links(self._budget.check_time, self._never_linked(paths)):
            self._traits.add("outside_links")
        self._traits.update(
            _SCRIPT_TRAITS[script] for name, script in self._scripts if name == filename.name
        )
        return PackageContents(
            filename=filename,
            subdir=index["subdir"],
            index=index,
            about=salvage_object(self._documents.get(ABOUT, b"")),
            run_exports=parse_run_exports(self._documents.get(RUN_EXPORTS), self._limits),
            traits=frozenset(self._traits),
        )

    def _walk(
        self,
        source: Reader,
        compression: Compression,
        part: TrustedText,
        check: Callable[[str], None] | None = None,
    ) -> None:
        walk = TarWalk(ExpandedStream(source, compression, self._budget, part), self._limits, part)
        for member in walk:
            path = self._tree.add(member)
            if not path:
                continue
            if check is not None:
                check(path)
            check_reserved(path)
            self._collect_traits(path)
            if path in DOCUMENTS:
                if member.kind is not MemberKind.FILE:
                    raise BadMember(path, TrustedText("it must be a file"))
                self._documents[path] = walk.read(member, self._limit_of(path))
            elif self._instructions and (found := _INSTRUCTIONS.fullmatch(path)):
                if member.kind is not MemberKind.FILE:
                    raise BadMember(path, TrustedText("it must be a file"))
                self._instructions(found[1], walk.read(member, self._limits.patch_document_bytes))

    def _collect_traits(self, path: str) -> None:
        if script := _SCRIPT.fullmatch(path):
            self._scripts.add((script[1], script[2]))
        elif hook := _HOOK.match(path):
            self._traits.add("activate.d" if hook[1] == "activate.d" else "deactivate.d")

    def _limit_of(self, path: str) -> int:
        limits = self._limits
        return limits.paths_document_bytes if path == PATHS else limits.document_bytes

    def _paths(self) -> list[PathEntry]:
        """Return the entries of `info/paths.json`; none for old packages, with `info/files`."""
        data = self._documents.get(PATHS)
        if data is not None:
            return parse_paths(data)
        if not self._tree.holds(_LEGACY_PATHS):
            raise MissingDocument(PATHS)
        return []

    def _never_linked(self, paths: list[PathEntry]) -> set[str]:
        """Return the symbolic links below `info/` that clients do not link into an environment.

        Clients link the entries of `paths.json`. With `info/files`, any link may be linked.
        """
        if PATHS not in self._documents or not (links := self._tree.links_below("info")):
            return set()
        return links.difference(entry.path for entry in paths)

    def _check_format(self, file: BinaryIO, metadata: ZipMember | None) -> None:
        if metadata is None:
            raise MissingZipMember(_METADATA)
        if metadata.size_bytes > self._limits.document_bytes:
            raise DocumentTooLarge(_METADATA, metadata.size_bytes, self._limits.document_bytes)
        reader = ZipMemberReader(file, metadata)
        data = reader.read(metadata.size_bytes)
        reader.read(1)  # at the end, the checksum is verified
        if not data:
            # conda-package-handling left it empty from 2019 to 2022, and all clients accept that.
            return
        document = parse_object(data, member=_METADATA, max_depth=self._limits.json_depth)
        version = document.get("conda_pkg_format_version")
        if version != _FORMAT_VERSION or isinstance(version, bool):
            raise UnsupportedFormatVersion(version)


_SCRIPT_TRAITS: Final[dict[str, Trait]] = {
    "pre-link": "pre_link",
    "post-link": "post_link",
    "pre-unlink": "pre_unlink",
}


def _pop_member(members: dict[str, ZipMember], prefix: str) -> ZipMember:
    """Remove and return the only member of the form `{prefix}*.tar.zst`."""
    found = [name for name in members if name.startswith(prefix) and name.endswith(".tar.zst")]
    if not found:
        raise MissingZipMember(f"{prefix}*.tar.zst")
    if len(found) > 1:
        raise BadZipMember(found[1], TrustedText("there is another of its kind"))
    return members.pop(found[0])


def _inner_stem(name: str) -> str:
    return name.partition("-")[2].removesuffix(".tar.zst")
