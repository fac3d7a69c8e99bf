"""The targets of symbolic links in a package, on every system that it may be unpacked on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from pulp_conda.formats.errors import TrustedText, UnsafePath
from pulp_conda.formats.file_names import is_absolute, is_dots, normalized_name, split_path

# The limit of Linux.
_MAX_FOLLOWED: Final = 40
_METADATA: Final = frozenset({"info", "conda-meta"})
_ODD: Final = re.compile(r"\\|\. | \.|\.:|\.\.\.")
_OUTSIDE: Final = "it leads out of the package"
CIRCLE: Final = "it leads in a circle"
_THROUGH: Final = "on some systems it is a symbolic link, or lies below one"

Directory = dict[str, Any]
"""A directory of a package: its entries by name, each a `Node`."""


class Link(str):
    """A symbolic link. The text is its target as written."""

    __slots__ = ()


class RegularFile:
    """A regular file. One object, `FILE`, stands for all of them."""

    __slots__ = ()


FILE: Final = RegularFile()
Node = Directory | Link | RegularFile
Tick = Callable[[], None]


def entry(node: Node | None, name: str) -> Node | None:
    """Return the entry of a directory with a name, None if there is none."""
    return node.get(name) if isinstance(node, dict) else None


def parts_of(path: str) -> list[str]:
    """Split a path at its slashes, without the parts `.`."""
    return [part for part in path.split("/") if part not in ("", ".")]


def fault_of_target(target: str) -> str | None:
    """Return the reason why a target may be outside of any package on some system, else None."""
    if is_absolute(target):
        return "its target is absolute"
    # A fast test first, because this is called for every link, and almost all targets pass it.
    if target.isascii() and not _ODD.search(target):
        return None
    climbing = {part for part in split_path(target) if is_dots(part)}
    if climbing and ("\\" in target or climbing != {".."}):
        return "its target climbs on some systems"
    return None


def _fault_of_link(root: Directory, parts: list[str], target: str, tick: Tick) -> str | None:
    """Return the reason why a link leads out of the package or in a circle, None if it does not.

    Follows links as a system does, and calls `tick` at each step.
    """
    if reason := fault_of_target(target):
        return reason
    # The trail has nodes and not names, so that a step costs the same at any depth.
    trail: list[Node | None] = [root]
    for part in parts[:-1]:
        trail.append(entry(trail[-1], part))
    ahead = parts_of(target)[::-1]
    followed = 0
    while ahead:
        tick()
        part = ahead.pop()
        if part == "..":
            trail.pop()
            if not trail:
                return _OUTSIDE
            continue
        node = entry(trail[-1], part)
        if not isinstance(node, Link):
            trail.append(node)
            continue
        followed += 1
        if followed > _MAX_FOLLOWED:
            return CIRCLE
        if fault_of_target(node):
            return _OUTSIDE
        ahead += parts_of(node)[::-1]
    return None


class PackageLinks:
    """The symbolic links of a package, as all systems interpret them."""

    def __init__(self, root: Directory) -> None:
        self._root = root
        self._caseless: Directory = {}
        """Only the links, as systems see them that ignore case (see `file_names`)."""
        self._names: set[str] = set()
        self.concern_metadata = False
        """Whether a link is in `info`, or leads to `info` or `conda-meta`."""

    def add(self, path: str, target: str) -> None:
        """Add a link. If two have one name on some system, the last one counts."""
        *parents, name = _spelled(path) or [""]
        spelled_target = _spelled(target)
        self._names.add(name)
        if parents[:1] == ["info"] or not _METADATA.isdisjoint(spelled_target):
            self.concern_metadata = True
        node = self._caseless
        for part in parents:
            below = node.setdefault(part, {})
            if isinstance(below, Link):
                return  # `check_beneath` refuses everything below a link
            node = below
        node[name] = Link(target if fault_of_target(target) else "/".join(spelled_target))

    def fault_of(self, parts: list[str], target: str, tick: Tick) -> str | None:
        """Return the reason why a link leads out of the package or in a circle, else None."""
        tick()
        if reason := fault_of_target(target):
            return reason
        spelled = _spelled(target)
        if self._names.isdisjoint(spelled):  # no other link has to be followed
            return None if _stays_within(len(parts) - 1, spelled) else _OUTSIDE
        if reason := _fault_of_link(self._root, parts, target, tick):
            return reason
        found = _fault_of_link(self._caseless, _spelled("/".join(parts)), "/".join(spelled), tick)
        # Where case is ignored, a link `Foo` to `foo` is a circle, but does not lead out.
        return None if found == CIRCLE else found

    def check_beneath(self, tick: Tick, *, files_too: bool) -> None:
        """Raise UnsafePath if some system unpacks a part of the package through a link.

        With `files_too`, a file with the name of a link is refused too, since it may be written
        through the link.
        """
        ahead = [("", self._root, self._caseless)]
        while ahead:
            path, directory, links = ahead.pop()
            for name, below in directory.items():
                tick()
                whole = isinstance(below, dict) or (files_too and below is FILE)
                if not whole and "\\" not in name:
                    continue
                node: Node | None = links
                for part in _spelled(name)[: None if whole else -1]:
                    node = node if isinstance(node, Link) else entry(node, part)
                if isinstance(node, Link) and not self._is_circular(path + name, node, tick):
                    raise UnsafePath(path + name, TrustedText(_THROUGH))
                if isinstance(below, dict) and isinstance(node, dict):
                    ahead.append((f"{path}{name}/", below, node))

    def _is_circular(self, path: str, target: str, tick: Tick) -> bool:
        """Return whether a link leads in a circle, so that no system writes through it."""
        return _fault_of_link(self._caseless, _spelled(path), target, tick) == CIRCLE


def _spelled(path: str) -> list[str]:
    return [normalized_name(part) for part in split_path(path)]


def _stays_within(depth: int, parts: list[str]) -> bool:
    """Return whether a path that starts at a directory of a depth stays below the root."""
    for part in parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return False
    return True
