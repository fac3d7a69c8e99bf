"""The fingerprint of an index: everything that decides on its bytes, other than its packages."""

from importlib.metadata import version as version_of
from typing import Final

from django.conf import settings
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.formats.compression import ZSTD_VERSION
from pulp_conda.formats.index.options import IndexOptions

Fingerprint = dict[str, str]
"""The labels of the content unit that holds a publication's documents.

A new index reuses documents of the previous one only if both have the same fingerprint.
"""

_FORMAT = "8"
"""Increase this with every change of the code that changes the bytes for the same packages."""

LIBRARIES: Final = {"zstd": ZSTD_VERSION, "py_rattler": version_of("py-rattler")}
"""The libraries whose versions decide on bytes.

zstd compresses documents and shards. py-rattler writes the requirements of records under `v3`, and
matches dependencies for `current_repodata.json`.
"""


def fingerprint_options(fingerprint: Fingerprint) -> IndexOptions:
    """Return the options that a fingerprint states."""
    return IndexOptions(
        documents=frozenset(fingerprint["documents"].split()),
        v3_documents=frozenset(fingerprint["v3_documents"].split()),
        bz2_max_bytes=int(fingerprint["bz2_max_bytes"]),
        plain_max_bytes=int(fingerprint["plain_max_bytes"]),
    )


def index_fingerprint(version: RepositoryVersion) -> Fingerprint:
    """Return the fingerprint of an index of the version that is built now."""
    repository = version.repository.cast()
    return {
        "format": _FORMAT,
        "documents": " ".join(repository.documents),
        "v3_documents": " ".join(repository.v3_documents),
        "bz2_max_bytes": str(settings.CONDA_BZ2_MAX_BYTES),
        "plain_max_bytes": str(settings.CONDA_PLAIN_MAX_BYTES),
        **LIBRARIES,
    }


def same_options(fingerprint: Fingerprint, other: Fingerprint) -> bool:
    """Return whether two fingerprints differ at most in their libraries."""
    return _without_libraries(fingerprint) == _without_libraries(other)


def same_libraries(fingerprint: Fingerprint, other: Fingerprint) -> bool:
    """Return whether two fingerprints state the same libraries.

    If their options are equal too, equal packages give equal bytes.
    """
    return all(fingerprint.get(name) == other.get(name) for name in LIBRARIES)


def _without_libraries(fingerprint: Fingerprint) -> Fingerprint:
    return {key: value for key, value in fingerprint.items() if key not in LIBRARIES}
