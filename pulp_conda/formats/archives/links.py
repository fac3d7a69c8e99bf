"""Where the symbolic links of a package lead, on every system that it may be unpacked on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from pulp_conda.formats.errors import TrustedText, UnsafePath
from pulp_conda.formats.file_names import is_absolute, is_dots, spelling, split_path

# As many as Linux follows before it gives up.
_MAX_FOLLOWED: Final = 40
_METADATA: Final = frozenset({"info", "conda-meta"})
_ODD: Final = re.compile(r"\\|\. | \.|\.:|\.\.\.")
_OUTSIDE: Final = "it leads out of the package"
CIRCLE: Final = "it leads in a circle"
_THROUGH: Final = "some systems take it for a symbolic link or put it beneath one"

Directory = dict[str, Any]
"""A directory of a package: its entries by their names, each of them a `Node`."""


class Link(str):
    """A symbolic link: its target as written."""

    __slots__ = ()


class RegularFile:
    """A file; one object stands for all of them."""

    __slots__ = ()


FILE: Final = RegularFile()
Node = Directory | Link | RegularFile
Tick = Callable[[], None]


def entry(node: Node | None, name: str) -> Node | None:
    """Return what a directory holds under a name, None where there is no such thing."""
    return node.get(name) if isinstance(node, dict) else None


def parts_of(path: str) -> list[str]:
    """Split a path at its slashes; `..` is a part, `.` is none."""
    return [part for part in path.split("/") if part not in ("", ".")]


def foreign(target: str) -> str | None:
    """Return why a target lies outside of any package on some system, None if it need not."""
    if is_absolute(target):
        return "its target is absolute"
    # This is asked of every link, and hardly any target is other than that.
    if target.isascii() and not _ODD.search(target):
        return None
    climbing = {part for part in split_path(target) if is_dots(part)}
    if climbing and ("\\" in target or climbing != {".."}):
        return "its target climbs on some systems"
    return None


def _way_out(root: Directory, parts: list[str], target: str, tick: Tick) -> str | None:
    """Return how the link at a path of the package leads out of it or nowhere, None if it is fine.

    Follows links as a system does and calls `tick` at each step.
    """
    if reason := foreign(target):
        return reason
    # The trail holds the nodes passed and not their names: a step costs the same at any depth.
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
        if foreign(node):
            return _OUTSIDE
        ahead += parts_of(node)[::-1]
    return None


class PackageLinks:
    """The symbolic links of a package, as every system sees them."""

    def __init__(self, root: Directory) -> None:
        self._root = root
        self._caseless: Directory = {}
        """The links alone, as systems have them that overlook case and the like."""
        self._names: set[str] = set()
        self.concern_metadata = False
        """Whether one lies in `info`, or leads to there or to where clients keep their records."""

    def add(self, path: str, target: str) -> None:
        """Take in a link. Where two have one name on some system, the last is there."""
        *parents, name = _spelled(path) or [""]
        spelled_target = _spelled(target)
        self._names.add(name)
        if parents[:1] == ["info"] or not _METADATA.isdisjoint(spelled_target):
            self.concern_metadata = True
        node = self._caseless
        for part in parents:
            below = node.setdefault(part, {})
            if isinstance(below, Link):
                return  # beneath a link lies nothing that `check_beneath` does not refuse
            node = below
        node[name] = Link(target if foreign(target) else "/".join(spelled_target))

    def way_out(self, parts: list[str], target: str, tick: Tick) -> str | None:
        """Return how the link at a path leads out of the package or nowhere, None if it is fine."""
        tick()
        if reason := foreign(target):
            return reason
        spelled = _spelled(target)
        if self._names.isdisjoint(spelled):  # it is the only link that is followed
            return None if _stays_within(len(parts) - 1, spelled) else _OUTSIDE
        if reason := _way_out(self._root, parts, target, tick):
            return reason
        found = _way_out(self._caseless, _spelled("/".join(parts)), "/".join(spelled), tick)
        # A link `Foo` to `foo` leads nowhere where case is overlooked, and out of nothing.
        return None if found == CIRCLE else found

    def check_beneath(self, tick: Tick, *, files_too: bool) -> None:
        """Raise UnsafePath if some system unpacks a part of the package through a link.

        `files_too` refuses files of a link's own name as well, which may be written through it.
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
        """Tell whether nothing can be written through the link at a path: the system refuses to."""
        return _way_out(self._caseless, _spelled(path), target, tick) == CIRCLE


def _spelled(path: str) -> list[str]:
    return [spelling(part) for part in split_path(path)]


def _stays_within(depth: int, parts: list[str]) -> bool:
    """Tell whether a way from a directory at a depth never climbs above the root."""
    for part in parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return False
    return True
