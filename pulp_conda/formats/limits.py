"""Limits on the cost of reading one package. The caller passes them in; none is global."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on the size of a package, its unpacked content, and the time to read it.

    The defaults allow every known package (the largest ones of conda-forge have a few GB and some
    100,000 files). They limit the memory of one inspection to the zstd window, the largest document
    and the names of the members.
    """

    package_bytes: int = 10 * GIB
    """Size of the file."""

    expanded_bytes: int = 64 * GIB
    """Size of the whole content, with tar headers and padding."""

    ratio: int = 1000
    """Largest ratio of expanded size to package size. Text and static archives reach 20 to 200.
    Zeros reach more than 20,000 in bzip2, and 10,000 in zstd."""

    ratio_floor_bytes: int = 64 * MIB
    """Expanded size below which the ratio is not checked, because a small package of test data may
    consist of zeros."""

    members: int = 1_000_000
    """Number of files, links and directories, with directories that only occur in paths."""

    names_bytes: int = 256 * MIB
    """Length of all member names together. They are kept in memory to find duplicates."""

    path_bytes: int = 4096
    """Length of one member name or link target: PATH_MAX of Linux."""

    header_bytes: int = 64 * KIB
    """Length of one tar extension header (pax records, GNU long names)."""

    document_bytes: int = 4 * MIB
    """Size of one metadata document other than ``paths.json``."""

    paths_document_bytes: int = 64 * MIB
    """Size of ``info/paths.json``, which has some 250 bytes for each file."""

    patch_document_bytes: int = 64 * MIB
    """Size of the patch instructions of one subdir; conda-forge's have some tens of megabytes."""

    patch_entries: int = 1_000_000
    """Number of files in the instructions of one subdir: three times those of conda-forge."""

    json_depth: int = 64
    """Nesting of arrays and objects in a document; below 10 in real ones."""

    zstd_window_log: int = 27
    """Binary logarithm of the zstd window in bytes. 27 (128 MiB) is the default limit of zstd, so
    clients cannot read larger windows either."""

    seconds: float = 240.0
    """Processor time for reading a package, in addition to the time for its size. It is not wall
    time, so that the result does not depend on the load of the machine."""

    bytes_per_second: int = 2 * MIB
    """Number of bytes of the file for which one more second is allowed. bzip2, the slowest format,
    is read at 7 to 16 MiB a second on a machine of 2020."""

    outside_links: bool = False
    """Whether symbolic links may lead out of the package, for instance to libraries of a system."""

    def expanded_for(self, size_bytes: int) -> int:
        """Return the number of bytes that a package of ``size_bytes`` may unpack to."""
        return min(self.expanded_bytes, max(self.ratio_floor_bytes, self.ratio * size_bytes))

    def seconds_for(self, size_bytes: int) -> float:
        """Return the processor time, in seconds, for reading a package of ``size_bytes``."""
        return self.seconds + size_bytes / self.bytes_per_second
