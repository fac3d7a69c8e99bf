"""The text of an upstream's compressed documents."""

from collections.abc import Iterator
from typing import Final

from pulp_conda.formats import layout
from pulp_conda.formats.errors import TrustedText
from pulp_conda.formats.upstream.limits import DEFAULT_LIMITS
from pulp_conda.formats.upstream.unpack import Packing, Unpacker

MAX_PACKED_BYTES: Final = 512 * 1024**2
"""The limit of a document as it is sent."""

_DOCUMENT: Final = TrustedText("the document")


def text_blocks(name: str, body: bytes) -> Iterator[bytes]:
    """Yield the text of the document `name`, which may be a compressed variant.

    Raises UnusableDocument if it is damaged, or has too much text.
    """
    for suffix in (layout.ZST, layout.BZ2):
        if name.endswith(suffix):
            packing: Packing = "zst" if suffix == layout.ZST else "bz2"
            unpacker = Unpacker(packing, _DOCUMENT, text_bytes=DEFAULT_LIMITS.document_bytes)
            yield from unpacker.unpack(body)
            unpacker.finish()
            return
    yield body
