"""Write a document in its variants: compressed, and as plain text if it is small."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from pulp_conda.formats import layout

from .context import BuildContext, PreviousIndex
from .files import DocumentWriter, WrittenFile, write_plain
from .merge import DocumentMerger
from .repodata import Element


class WrittenDocument(NamedTuple):
    """A document that has been written."""

    size: int
    """The size of its text in bytes."""
    zst: WrittenFile
    plain: WrittenFile | None
    """None for a large document."""


def write_document(
    context: BuildContext,
    path: Path,
    merger: DocumentMerger,
    elements: Sequence[Element],
    *,
    changed: Collection[str],
    previous: PreviousIndex | None,
) -> WrittenDocument:
    """Write a document to `path`, and its compressed variant beside it."""
    zst = path.with_name(f"{path.name}{layout.ZST}")
    size = merger.size(elements, changed)
    with ExitStack() as stack:
        document = None
        if previous:
            document = stack.enter_context(previous.open_document(zst.name))
        writer = stack.enter_context(DocumentWriter(zst, context.algorithms))
        merger.write(elements, size, changed, writer, document)
    plain = None
    if size <= context.options.plain_max_bytes:
        plain = write_plain(zst, size, path, context.algorithms)
    return WrittenDocument(size, writer.written, plain)
