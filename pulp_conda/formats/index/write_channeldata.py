"""Build `channeldata.json`, the document in the root of a channel (CEP 38)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import groupby
from operator import itemgetter

import msgspec

from pulp_conda.formats import layout

from .channeldata import CHANNELDATA_VERSION, ChannelPackage, DescribedPackage, channel_fragment
from .context import BuildContext, Files, PreviousIndex
from .files import DocumentWriter, write_file
from .fragments import FragmentStore
from .manifest import MANIFEST, IndexManifest, NameEntry
from .merge import SectionMerger
from .repodata import Part
from .sections import Section

Describe = Callable[[str, ChannelPackage], ChannelPackage | None]
"""Takes a file name and a package; returns the package under patches, None if it is removed."""

_NAMES = (layout.CHANNELDATA_JSON, layout.CHANNELDATA_JSON + layout.ZST, MANIFEST)


def write_channeldata(
    context: BuildContext,
    subdirs: Collection[str],
    *,
    previous: PreviousIndex | None = None,
    changed: Collection[str] | None = None,
    describe: Describe | None = None,
) -> Files:
    """Write the document, its variant and its manifest, and return the files.

    `changed` are the names that may differ from the previous index, None for all names. `describe`
    applies patches.
    """
    path, zst_path, manifest_path = (context.folder / name for name in _NAMES)
    previous_manifest = previous.manifest if previous else IndexManifest()
    with closing(FragmentStore(context.folder)) as store:
        entries = []
        packages = _patched(context.packages.described(changed), describe)
        for name, rows in groupby(packages, key=itemgetter(0)):
            fragment = channel_fragment(name, (package for _, package in rows))
            store.add(Section.CHANNELDATA, name, [fragment])
            entries.append(NameEntry(name))
        names = {entry.name for entry in entries} if changed is None else changed
        manifest = previous_manifest.updated(names, entries)
        merger = SectionMerger(previous_manifest, manifest, store)
        plan = merger.plan(_parts(subdirs), names)
        with ExitStack() as stack:
            document = None
            if previous:
                document = stack.enter_context(previous.open_document(path.name))
            writer = stack.enter_context(
                DocumentWriter(path, zst_path, context.algorithms, plan.size)
            )
            merger.write(plan, writer, document)
    saved = write_file(manifest_path, manifest.encode(), context.algorithms)
    return {path.name: writer.plain, zst_path.name: writer.zst, manifest_path.name: saved}


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
