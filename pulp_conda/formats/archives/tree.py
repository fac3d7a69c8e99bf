"""The directory tree that a package would unpack to, and whether doing so is safe anywhere.

Clients unpack with different libraries on different systems, into a tree that is then linked into
a prefix. What the tree refuses could write outside of it, or unpack to different files, on one
of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

from pulp_conda.formats.archives.tar_headers import Kind, Member
from pulp_conda.formats.errors import (
    DuplicateMember,
    Phrase,
    TooManyMembers,
    UnsafeLink,
    UnsafePath,
)
from pulp_conda.formats.limits import Limits

_DRIVE: Final = re.compile(r"[A-Za-z]:")
# As many as Linux follows before it gives up.
_MAX_LINKS_FOLLOWED: Final = 40
_OUTSIDE: Final = "it leads out of the package"


class _Link(str):
    """A symbolic link in the tree: its target as written."""

    __slots__ = ()


class _File:
    """A file in the tree; one object stands for all of them."""

    __slots__ = ()


_FILE: Final = _File()
_Directory = dict[str, Any]
_Node = _Directory | _Link | _File


class PackageTree:
    """Grows by the members of a package, in the order of the archive."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._root: _Directory = {}
        self._entries = 0
        self._names_bytes = 0
        self._links: list[tuple[tuple[str, ...], str]] = []

    def add(self, member: Member) -> str:
        """Take ``member`` in and return its path without ``./``; empty for the root itself.

        Raises UnsafePath, UnsafeLink, DuplicateMember or TooManyMembers.
        """
        parts = _safe_parts(member.path)
        if not parts:
            if member.kind is not Kind.DIRECTORY:
                raise UnsafePath(member.path, Phrase("it names the package itself"))
            return ""
        if member.path.endswith("/") and member.kind is not Kind.DIRECTORY:
            raise UnsafePath(member.path, Phrase("it ends in a slash but is no directory"))
        parent = self._directory(parts[:-1], member)
        self._place(parent, parts, member)
        return "/".join(parts)

    def holds(self, path: str) -> bool:
        """Tell whether ``path``, written with ``/``, is a file, link or directory in here."""
        return self._find(path.split("/")) is not None

    def links_below(self, directory: str) -> set[str]:
        """Return the paths of the symbolic links in a directory of the package's root."""
        return {"/".join(parts) for parts, _ in self._links if parts[0] == directory}

    def check_links(self, tick: Callable[[], None], spared: Collection[str] = ()) -> bool:
        """Follow every symbolic link as a system would; tell whether one leads out of the package.

        Calls ``tick`` at each step, and passes over the links at ``spared`` paths. Needs the whole
        tree: what a link leads to depends on other links, so ``a/../b`` may leave the package
        although it does not look so.

        Raises UnsafeLink for a circle, and for a way out unless the limits allow it.
        """
        outside = False
        for parts, target in self._links:
            path = "/".join(parts)
            if path not in spared and (reason := self._way_out(parts, target, tick)):
                if not self._limits.outside_links:
                    raise UnsafeLink(path, target, Phrase(reason))
                outside = True
        return outside

    def _find(self, parts: Iterable[str]) -> _Node | None:
        node: _Node | None = self._root
        for part in parts:
            node = _entry(node, part)
        return node

    def _directory(self, parts: tuple[str, ...], member: Member) -> _Directory:
        node = self._root
        for part in parts:
            if part not in node:
                self._count(part)
                node[part] = {}
            below: _Node = node[part]
            if isinstance(below, _Link):
                raise UnsafePath(member.path, Phrase("it lies beneath a symbolic link"))
            if isinstance(below, _File):
                raise DuplicateMember(member.path, Phrase("it lies beneath a file"))
            node = below
        return node

    def _place(self, parent: _Directory, parts: tuple[str, ...], member: Member) -> None:
        name = parts[-1]
        if member.kind is Kind.DIRECTORY:
            if not isinstance(parent.get(name, {}), dict):
                raise DuplicateMember(member.path, Phrase("it is a directory and something else"))
        elif name in parent:
            raise DuplicateMember(member.path, Phrase("the archive already holds it"))
        if name in parent:
            return
        self._count(name)
        if member.kind is Kind.DIRECTORY:
            parent[name] = {}
        elif member.kind is Kind.SYMLINK:
            if not member.target:
                raise UnsafeLink(member.path, member.target, Phrase("it has no target"))
            parent[name] = _Link(member.target)
            self._links.append((parts, member.target))
        else:
            if member.kind is Kind.HARDLINK:
                self._check_hardlink(member)
            parent[name] = _FILE

    def _count(self, name: str) -> None:
        self._entries += 1
        self._names_bytes += len(name)
        if self._entries > self._limits.members:
            raise TooManyMembers(self._limits.members, Phrase("files and directories"))
        if self._names_bytes > self._limits.names_bytes:
            raise TooManyMembers(self._limits.names_bytes, Phrase("characters of names"))

    def _check_hardlink(self, member: Member) -> None:
        reason = _foreign(member.target)
        if reason or ".." in member.target.split("/"):
            raise UnsafeLink(member.path, member.target, Phrase(reason or "its target holds '..'"))
        if not isinstance(self._find(_link_parts(member.target)), _File):
            raise UnsafeLink(
                member.path, member.target, Phrase("a hard link must name a file before it")
            )

    def _way_out(self, parts: tuple[str, ...], target: str, tick: Callable[[], None]) -> str | None:
        """Return how a link leads out of the package, None if it does not."""
        if reason := _foreign(target):
            return reason
        # The trail holds the nodes passed and not their names: a step costs the same at any depth.
        trail: list[_Node | None] = [self._root]
        for part in parts[:-1]:
            trail.append(_entry(trail[-1], part))
        ahead = _link_parts(target)[::-1]
        followed = 0
        while ahead:
            tick()
            part = ahead.pop()
            if part == "..":
                trail.pop()
                if not trail:
                    return _OUTSIDE
                continue
            node = _entry(trail[-1], part)
            if not isinstance(node, _Link):
                trail.append(node)
                continue
            followed += 1
            if followed > _MAX_LINKS_FOLLOWED:
                raise UnsafeLink("/".join(parts), target, Phrase("it leads in a circle"))
            if _foreign(node):
                return _OUTSIDE
            ahead += _link_parts(node)[::-1]
        return None


def _entry(node: _Node | None, name: str) -> _Node | None:
    return node.get(name) if isinstance(node, dict) else None


def _safe_parts(path: str) -> tuple[str, ...]:
    # Windows splits at backslashes too, and names that hold them are legal elsewhere: such a
    # name passes when it is safe either way.
    if path.startswith(("/", "\\")):
        raise UnsafePath(path, Phrase("it is absolute"))
    if _DRIVE.match(path):
        raise UnsafePath(path, Phrase("it starts with a drive letter"))
    if ".." in path.replace("\\", "/").split("/"):
        raise UnsafePath(path, Phrase("it holds '..'"))
    if not path:
        raise UnsafePath(path, Phrase("it is empty"))
    return tuple(_link_parts(path))


def _link_parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _foreign(target: str) -> str | None:
    """Return why a target lies outside of any package on some system, None if it need not."""
    if target.startswith(("/", "\\")) or _DRIVE.match(target):
        return "its target is absolute"
    if "\\" in target and ".." in target.replace("\\", "/").split("/"):
        return "its target climbs with backslashes"
    return None
