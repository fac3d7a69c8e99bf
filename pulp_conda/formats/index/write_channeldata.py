"""Build `channeldata.json`, the document in the root of a channel (CEP 38)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from itertools import groupby
from operator import itemgetter

import msgspec

from pulp_conda.formats import layout

from .channeldata import CHANNELDATA_VERSION, ChannelPackage, DescribedPackage, channel_fragment
from .context import BuildContext, Files, PreviousIndex
from .files import write_file
from .fragments import FragmentStore
from .garbage import collector_paused
from .manifest import MANIFEST, IndexManifest
from .merge import DocumentMerger
from .parts import NameEntry
from .repodata import Element
from .sections import Section
from .update import ManifestUpdate
from .variants import write_document

Describe = Callable[[str, ChannelPackage], ChannelPackage | None]
"""Takes a file name and a package; returns the package under patches, None if it is removed."""

_SECTION = Section.CHANNELDATA


def write_channeldata(
    context: BuildContext,
    subdirs: Collection[str],
    *,
    previous: PreviousIndex | None = None,
    changed: Collection[str] | None = None,
    describe: Describe | None = None,
) -> Files:
    """Write the document, its variants and its manifest, and return the files.

    `changed` are the names that may differ from the previous index, None for all names. `describe`
    applies patches.
    """
    previous_manifest = previous.manifest if previous else IndexManifest()
    with collector_paused(), closing(FragmentStore(context.folder)) as store:
        entries = {}
        packages = _patched(context.packages.described(changed), describe)
        for name, rows in groupby(packages, key=itemgetter(0)):
            fragment = channel_fragment(name, (package for _, package in rows))
            store.add(_SECTION, name, [fragment])
            entries[name] = NameEntry(name, {int(_SECTION): store.size(_SECTION, name)})
        names = set(entries if changed is None else changed)
        update = ManifestUpdate(previous_manifest, names, entries, {})
        written = write_document(
            context,
            context.folder / layout.CHANNELDATA_JSON,
            DocumentMerger(update, store),
            _elements(subdirs),
            changed=names,
            previous=previous,
        )
    manifest = update.manifest().encode()
    saved = write_file(context.folder / MANIFEST, manifest, context.algorithms)
    files = [written.zst, *([written.plain] if written.plain else ()), saved]
    return {file.path.name: file for file in files}


def _patched(
    packages: Iterable[DescribedPackage], describe: Describe | None
) -> Iterator[tuple[str, ChannelPackage]]:
    for name, filename, package in packages:
        patched = describe(filename, package) if describe else package
        if patched is not None:
            yield name, patched


def _elements(subdirs: Collection[str]) -> list[Element]:
    opening = b'{"channeldata_version":%d,"packages":{' % CHANNELDATA_VERSION
    return [
        opening,
        _SECTION,
        b'},"subdirs":' + msgspec.json.encode(sorted(subdirs)) + b"}",
    ]
