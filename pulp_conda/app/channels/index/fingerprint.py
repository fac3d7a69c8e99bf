"""The fingerprint of an index: everything besides its packages that decides on its bytes."""

from django.conf import settings
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.formats.index.options import IndexOptions

Fingerprint = dict[str, str]
"""Saved as labels beside the documents of a publication.

A new index takes documents over from a previous one only if both have the same fingerprint.
"""

_FORMAT = "4"
"""Raise this with every change of the bytes that the same packages give."""


def fingerprint_options(fingerprint: Fingerprint) -> IndexOptions:
    """Return the options that a fingerprint states."""
    return IndexOptions(
        documents=frozenset(fingerprint["documents"].split()),
        v3_documents=frozenset(fingerprint["v3_documents"].split()),
        bz2_max_bytes=int(fingerprint["bz2_max_bytes"]),
    )


def index_fingerprint(version: RepositoryVersion) -> Fingerprint:
    """Return the fingerprint that an index of a version would have if it were built now."""
    repository = version.repository.cast()
    return {
        "format": _FORMAT,
        "documents": " ".join(repository.documents),
        "v3_documents": " ".join(repository.v3_documents),
        "bz2_max_bytes": str(settings.CONDA_BZ2_MAX_BYTES),
    }
