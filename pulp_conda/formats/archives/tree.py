"""The directory tree that a package unpacks to, with checks that unpacking is safe on all systems.

Clients unpack a package with different libraries on different systems, and link the files into a
prefix. On some of them, a refused package could write files outside of the tree, or unpack to
different files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pulp_conda.formats.archives.links import (
    CIRCLE,
    FILE,
    Directory,
    Link,
    Node,
    PackageLinks,
    RegularFile,
    Tick,
    entry,
    fault_of_target,
    parts_of,
)
from pulp_conda.formats.archives.tar_headers import Member, MemberKind
from pulp_conda.formats.errors import (
    DuplicateMember,
    TooManyMembers,
    TrustedText,
    UnsafeLink,
    UnsafePath,
)
from pulp_conda.formats.file_names import climbs, is_absolute
from pulp_conda.formats.limits import Limits


class PackageTree:
    """The tree of a package's members, added in the order of the archive."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._root: Directory = {}
        self._entries = 0
        self._names_bytes = 0
        self._links: list[tuple[list[str], str]] = []

    def add(self, member: Member) -> str:
        """Add ``member``; return its path without ``./``, which is empty for the root.

        Raises UnsafePath, UnsafeLink, DuplicateMember or TooManyMembers.
        """
        parts = _safe_parts(member.path)
        if not parts:
            if member.kind is not MemberKind.DIRECTORY:
                raise UnsafePath(member.path, TrustedText("it names the package itself"))
            return ""
        if member.path.endswith("/") and member.kind is not MemberKind.DIRECTORY:
            raise UnsafePath(member.path, TrustedText("it ends in a slash but is no directory"))
        parent = self._directory(parts[:-1], member)
        self._place(parent, parts, member)
        return "/".join(parts)

    def holds(self, path: str) -> bool:
        """Return whether ``path``, written with ``/``, is a file, link or directory of the tree."""
        return self._find(path.split("/")) is not None

    def links_below(self, directory: str) -> set[str]:
        """Return the paths of the symbolic links in a directory of the package's root."""
        return {"/".join(parts) for parts, _ in self._links if parts[0] == directory}

    def check_links(self, tick: Tick, spared: Collection[str] = ()) -> bool:
        """Follow every symbolic link as each system would; return whether one leads out.

        Call this when the tree is complete, because the target of a link may depend on other links:
        even ``a/../b`` may leave the package. The links at ``spared`` paths may lead anywhere, but
        nothing may be written through them. ``tick`` is called at each step.

        Raises:
            UnsafeLink: a link leads in a circle, or out of the package if the limits forbid it.
            UnsafePath: a system that ignores case would unpack another member through a link.
        """
        if not self._links:
            return False
        links = PackageLinks(self._root)
        for parts, target in self._links:
            tick()
            links.add("/".join(parts), target)
        outside = False
        for parts, target in self._links:
            path = "/".join(parts)
            if path not in spared and (reason := links.fault_of(parts, target, tick)):
                if reason == CIRCLE or not self._limits.outside_links:
                    raise UnsafeLink(path, target, TrustedText(reason))
                outside = True
        links.check_beneath(tick, files_too=outside or links.concern_metadata)
        return outside

    def _find(self, parts: Iterable[str]) -> Node | None:
        node: Node | None = self._root
        for part in parts:
            node = entry(node, part)
        return node

    def _directory(self, parts: list[str], member: Member) -> Directory:
        node = self._root
        for part in parts:
            if part not in node:
                self._count(part)
                node[part] = {}
            below: Node = node[part]
            if isinstance(below, Link):
                raise UnsafePath(member.path, TrustedText("it lies beneath a symbolic link"))
            if isinstance(below, RegularFile):
                raise DuplicateMember(member.path, TrustedText("it lies beneath a file"))
            node = below
        return node

    def _place(self, parent: Directory, parts: list[str], member: Member) -> None:
        name = parts[-1]
        if member.kind is MemberKind.DIRECTORY:
            if not isinstance(parent.get(name, {}), dict):
                raise DuplicateMember(
                    member.path, TrustedText("it is a directory and something else")
                )
        elif name in parent:
            raise DuplicateMember(member.path, TrustedText("the archive already holds it"))
        if name in parent:
            return
        self._count(name)
        if member.kind is MemberKind.DIRECTORY:
            parent[name] = {}
        elif member.kind is MemberKind.SYMLINK:
            if not member.target:
                raise UnsafeLink(member.path, member.target, TrustedText("it has no target"))
            parent[name] = Link(member.target)
            self._links.append((parts, member.target))
        else:
            if member.kind is MemberKind.HARDLINK:
                self._check_hardlink(member)
            parent[name] = FILE

    def _count(self, name: str) -> None:
        self._entries += 1
        self._names_bytes += len(name)
        if self._entries > self._limits.members:
            raise TooManyMembers(self._limits.members, TrustedText("files and directories"))
        if self._names_bytes > self._limits.names_bytes:
            raise TooManyMembers(self._limits.names_bytes, TrustedText("characters of names"))

    def _check_hardlink(self, member: Member) -> None:
        target = member.target
        reason = fault_of_target(target)
        if not reason and climbs(target):
            reason = "its target holds '..'"
        if not reason and not isinstance(self._find(parts_of(target)), RegularFile):
            reason = "a hard link must name a file before it"
        if reason:
            raise UnsafeLink(member.path, target, TrustedText(reason))


def _safe_parts(path: str) -> list[str]:
    # Names with backslashes or colons are legal on some systems, and accepted if safe on all.
    if is_absolute(path):
        raise UnsafePath(path, TrustedText("it is absolute"))
    if climbs(path):
        raise UnsafePath(path, TrustedText("it holds '..' on some systems"))
    if not path:
        raise UnsafePath(path, TrustedText("it is empty"))
    return parts_of(path)
