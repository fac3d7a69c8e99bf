"""The document of a channel's root that tells about its packages: `channeldata.json` (CEP 38)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import groupby
from operator import itemgetter

import msgspec

from pulp_conda.formats import layout

from .channeldata import CHANNELDATA_VERSION, ChannelPackage, DescribedPackage, channel_piece
from .files import TwinWriter, write_file
from .ledger import Entry, Ledger
from .pieces import PieceStore
from .repodata import Part
from .sections import Section
from .splice import Joining
from .subdir import Before, Files, Making

Describe = Callable[[str, ChannelPackage], ChannelPackage | None]
"""Takes a file name and a package; returns the package under patches, None if it is removed."""

_NAMES = (layout.CHANNELDATA_JSON, layout.CHANNELDATA_JSON + layout.ZST, layout.LEDGER)


def write_channeldata(
    making: Making,
    subdirs: Collection[str],
    *,
    before: Before | None = None,
    changed: Collection[str] | None = None,
    describe: Describe | None = None,
) -> Files:
    """Write what a channel tells of its names, of which `changed` may differ from `before`.

    `describe` applies patches.
    """
    path, zst, kept = (making.folder / name for name in _NAMES)
    earlier = before.ledger if before else Ledger()
    with closing(PieceStore(making.folder)) as store:
        entries = []
        packages = _patched(making.packages.described(changed), describe)
        for name, rows in groupby(packages, key=itemgetter(0)):
            piece = channel_piece(name, (package for _, package in rows))
            store.add(Section.CHANNELDATA, name, [piece])
            entries.append(Entry(name))
        names = {entry.name for entry in entries} if changed is None else changed
        ledger = earlier.updated(names, entries)
        joining = Joining(earlier, ledger, store)
        plan = joining.plan(_parts(subdirs), names)
        with ExitStack() as stack:
            source = stack.enter_context(before.source(path.name)) if before else None
            twin = stack.enter_context(TwinWriter(path, zst, making.algorithms, plan.size))
            joining.write(plan, twin, source)
    ledger_file = write_file(kept, ledger.encode(), making.algorithms)
    return {path.name: twin.plain, zst.name: twin.zst, kept.name: ledger_file}


def _patched(
    packages: Iterable[DescribedPackage], describe: Describe | None
) -> Iterator[tuple[str, ChannelPackage]]:
    for name, filename, package in packages:
        patched = describe(filename, package) if describe else package
        if patched is not None:
            yield name, patched


def _parts(subdirs: Collection[str]) -> list[Part]:
    opening = b'{"channeldata_version":%d,"packages":{' % CHANNELDATA_VERSION
    return [
        opening,
        Section.CHANNELDATA,
        b'},"subdirs":' + msgspec.json.encode(sorted(subdirs)) + b"}",
    ]
