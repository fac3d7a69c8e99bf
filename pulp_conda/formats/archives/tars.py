"""Read one uncompressed tar stream from its first header to its last zero byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pulp_conda.formats.archives.streams import ExpandedStream
from pulp_conda.formats.archives.tar_headers import (
    BLOCK_BYTES,
    Extensions,
    Header,
    Member,
    is_global_pax_harmless,
    parse_header,
)
from pulp_conda.formats.errors import (
    BadMember,
    CorruptArchive,
    DocumentTooLarge,
    TrailingData,
    TruncatedArchive,
    TrustedText,
    UnsafePath,
)
from pulp_conda.formats.limits import Limits
from pulp_conda.formats.plain_text import is_plain

_ZERO_BLOCK: Final = bytes(BLOCK_BYTES)
_LONG_NAMES: Final = {b"L": "path", b"K": "linkpath"}


class TarWalk:
    """Iterates over the members of a tar stream, and skips content that is not read.

    ``part`` is the name of the stream in messages. Every header must be valid, every member
    complete, and the end marked by two zero blocks and followed only by zeros.
    """

    def __init__(self, stream: ExpandedStream, limits: Limits, part: TrustedText) -> None:
        self._stream = stream
        self._limits = limits
        self._part = part
        self._unread = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        while (member := self._next()) is not None:
            self._begin(member.size)
            yield member
            self._end()

    def read(self, member: Member, limit_bytes: int) -> bytes:
        """Return the content of the current ``member``. Raises DocumentTooLarge."""
        if member.size > limit_bytes:
            raise DocumentTooLarge(member.path, member.size, limit_bytes)
        return self._content()

    def _next(self) -> Member | None:
        extensions = Extensions(self._part)
        while (header := self._header()) is not None:
            if header.type in _LONG_NAMES:
                extensions.add_long_name(_LONG_NAMES[header.type], self._extension(header))
            elif header.type == b"x":
                extensions.add_pax(self._extension(header))
            elif header.type == b"g":
                if not is_global_pax_harmless(self._extension(header), self._part):
                    raise CorruptArchive(
                        self._part, TrustedText("a global pax header renames or resizes members")
                    )
            else:
                return self._checked(extensions.apply(header))
        if extensions:
            raise CorruptArchive(self._part, TrustedText("an extension header precedes no member"))
        return None

    def _checked(self, member: Member) -> Member:
        longest = max(len(member.path), len(member.target))
        if longest > self._limits.path_bytes:
            reason = f"its name or target has more than {self._limits.path_bytes:,} characters"
            raise BadMember(member.path, TrustedText(reason))
        if not is_plain(member.path + member.target):
            reason = "its name or target has characters that control terminals or turn text"
            raise UnsafePath(member.path, TrustedText(reason))
        return member

    def _header(self) -> Header | None:
        block = self._exactly(BLOCK_BYTES)
        if block != _ZERO_BLOCK:
            return parse_header(block, self._part)
        if self._exactly(BLOCK_BYTES) != _ZERO_BLOCK:
            raise CorruptArchive(
                self._part, TrustedText("a lone zero block stands between members")
            )
        while rest := self._stream.rest():
            if rest.count(0) != len(rest):
                raise TrailingData(self._part, TrustedText("after the end of the tar archive"))
        return None

    def _extension(self, header: Header) -> bytes:
        limit = self._limits.header_bytes
        if header.size > limit:
            raise DocumentTooLarge("a tar extension header", header.size, limit)
        self._begin(header.size)
        data = self._content()
        self._end()
        return data

    def _begin(self, size: int) -> None:
        self._unread = size
        self._padding = -size % BLOCK_BYTES

    def _content(self) -> bytes:
        data = self._exactly(self._unread)
        self._unread = 0
        return data

    def _end(self) -> None:
        skipped = self._unread + self._padding
        if self._stream.skip(skipped) != skipped:
            raise TruncatedArchive(self._part)

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) != size:
            raise TruncatedArchive(self._part)
        return data
