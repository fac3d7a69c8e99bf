"""Limits on what an upstream may send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pulp_conda.formats.limits import GIB, KIB, MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamLimits:
    """Limits on the size of an upstream's documents, and so on the memory of reading them.

    The caller limits what it receives. A packed document never has more bytes than its text may
    have.
    """

    index_bytes: int = 128 * MIB
    """Text of a shard index. conda-forge's largest has 1.4 MB, for 31,000 names."""

    shard_bytes: int = 16 * MIB
    """A shard as it is sent. conda has the same limit."""

    shard_text_bytes: int = 128 * MIB
    """A shard, unpacked. A real record has 0.5 to 1 KiB."""

    shard_records: int = 100_000
    """Number of records in each map of a shard. conda-forge's largest have some thousand."""

    index_names: int = 1_000_000
    """Number of names in a shard index: thirty times those of conda-forge."""

    document_bytes: int = 2 * GIB
    """Text of `repodata.json` or `run_exports.json`. conda-forge's largest has 0.4 GB."""

    document_objects: int = 5_000_000
    """Number of objects in it: one for each record, and two in `run_exports.json`. conda-forge's
    largest has half a million records."""

    record_bytes: int = 1 * MIB
    """Text of one record, with its run exports. It also limits the memory of decoding a record:
    an empty object has one byte in msgpack, and 64 in memory."""

    record_depth: int = 64
    """Nesting of a record; below 5 in real ones."""

    ratio: int = 1000
    """Largest ratio of text to packed bytes. Real documents reach 20."""

    ratio_floor_bytes: int = 16 * MIB
    """Size of text below which the ratio is not checked."""

    frames: int = 10_000
    """Number of frames of a packed document, each of which takes time even if it is empty."""

    zstd_window_log: int = 27
    """Binary logarithm of the zstd window in bytes: the default limit of zstd, so of clients."""

    faults: int = 100
    """Number of faults that are reported of one document. The rest is only counted."""


DEFAULT_LIMITS: Final = UpstreamLimits()

SLICE_BYTES: Final = 64 * KIB
"""How many packed bytes are given to a decompressor at a time."""

BLOCK_BYTES: Final = 1 * MIB
"""How many bytes of text a decompressor returns at a time."""
