"""The document of a channel's root that tells about its packages: `channeldata.json` (CEP 38)."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack, closing
from itertools import groupby
from operator import itemgetter

import msgspec

from pulp_conda.formats import layout

from .channeldata import CHANNELDATA_VERSION, channel_piece
from .files import TwinWriter, write_file
from .ledger import Entry, Ledger
from .pieces import PieceStore
from .repodata import Part
from .sections import Section
from .splice import Joining
from .subdir import Before, Files, Making

_NAMES = (layout.CHANNELDATA_JSON, layout.CHANNELDATA_JSON + layout.ZST, layout.LEDGER)


def write_channeldata(
    making: Making,
    subdirs: Collection[str],
    *,
    before: Before | None = None,
    changed: Collection[str] | None = None,
) -> Files:
    """Write what a channel tells of its names, of which `changed` may differ from `before`."""
    path, zst, kept = (making.folder / name for name in _NAMES)
    earlier = before.ledger if before else Ledger()
    with closing(PieceStore(making.folder)) as store:
        entries = []
        for name, rows in groupby(making.packages.described(changed), key=itemgetter(0)):
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


def _parts(subdirs: Collection[str]) -> list[Part]:
    opening = b'{"channeldata_version":%d,"packages":{' % CHANNELDATA_VERSION
    return [
        opening,
        Section.CHANNELDATA,
        b'},"subdirs":' + msgspec.json.encode(sorted(subdirs)) + b"}",
    ]
