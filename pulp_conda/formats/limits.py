"""What one package may cost to read. The caller passes the limits in; nothing here is global."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on a package's size, what it unpacks to and links to, and on the time to read it.

    The defaults admit every package known to us (the largest of conda-forge have a few GB and
    some 100,000 files) and bound the memory of one inspection to what the zstd window, the
    largest document and the names of the members take.
    """

    package_bytes: int = 10 * GIB
    """Size of the file."""

    expanded_bytes: int = 64 * GIB
    """Size of everything inside, tar headers and padding included."""

    ratio: int = 1000
    """Largest ``expanded / package`` size. Text and static archives reach 20 to 200, zeros in
    bzip2 more than 20,000 and in zstd 10,000: a thousand keeps an order of magnitude from both."""

    ratio_floor_bytes: int = 64 * MIB
    """Expanded size below which the ratio is not asked for: a small file of test data may well
    be nothing but zeros."""

    members: int = 1_000_000
    """Files, links and directories, those that exist only as part of a path included."""

    names_bytes: int = 256 * MIB
    """Length of all member names together: they are held in memory to find duplicates."""

    path_bytes: int = 4096
    """Length of one member name or link target; PATH_MAX of Linux."""

    header_bytes: int = 64 * KIB
    """Length of one tar extension header (pax records, GNU long names)."""

    document_bytes: int = 4 * MIB
    """Size of one metadata document, ``paths.json`` excepted."""

    paths_document_bytes: int = 64 * MIB
    """Size of ``info/paths.json``, which takes some 250 bytes a file."""

    patch_document_bytes: int = 64 * MIB
    """Size of the patch instructions of one subdir; conda-forge's have some tens of megabytes."""

    patch_entries: int = 1_000_000
    """Files that the instructions of one subdir may name; three times those of conda-forge."""

    json_depth: int = 64
    """Nesting of arrays and objects in a document; real ones stay below 10."""

    zstd_window_log: int = 27
    """Binary logarithm of the zstd window in bytes. 27 (128 MiB) is what zstd itself reads
    without being asked to, so no client can read more either."""

    seconds: float = 240.0
    """Processor time for reading a package, beside what its size allows. No wall clock: a busy
    machine does not make a package a bad one."""

    bytes_per_second: int = 2 * MIB
    """How many bytes of the file one second more is allowed for; bzip2, the slowest, reads 7 to
    16 MiB a second on a machine of 2020."""

    outside_links: bool = False
    """Whether symbolic links may lead out of the package, as drivers' to the system's libraries."""

    def expanded_for(self, size_bytes: int) -> int:
        """Return how many bytes a package of ``size_bytes`` may unpack to."""
        return min(self.expanded_bytes, max(self.ratio_floor_bytes, self.ratio * size_bytes))

    def seconds_for(self, size_bytes: int) -> float:
        """Return how much processor time reading a package of ``size_bytes`` may take."""
        return self.seconds + size_bytes / self.bytes_per_second
