"""Functions that inspect packages, and a minimal index.json, for tests of archives."""

import io

from pulp_conda.formats.archives import PackageContents, inspect
from pulp_conda.formats.identifiers import Extension
from pulp_conda.formats.limits import Limits
from tests.builders import member, tar_of, zip_of, zstd

VALID = b'{"name":"demo","version":"1.0","build":"0","build_number":0,"subdir":"noarch"}'
"""A minimal info/index.json."""


def read_conda(
    data: bytes, limits: Limits | None = None, claimed_subdir: str | None = None
) -> PackageContents:
    return _read(data, "conda", limits, claimed_subdir)


def read_tar(data: bytes, limits: Limits | None = None) -> PackageContents:
    return _read(data, "tar.bz2", limits)


def _read(
    data: bytes, extension: Extension, limits: Limits | None, claimed_subdir: str | None = None
) -> PackageContents:
    return inspect(io.BytesIO(data), extension, limits or Limits(), claimed_subdir=claimed_subdir)


def read_index(index: bytes) -> None:
    """Inspect a package with an info/index.json."""
    members = [
        member("info/index.json", index),
        member("info/paths.json", b'{"paths":[],"paths_version":1}'),
    ]
    read_conda(
        zip_of(
            [
                ("metadata.json", b'{"conda_pkg_format_version": 2}'),
                ("info-demo-1.0-0.tar.zst", zstd(tar_of(members))),
                ("pkg-demo-1.0-0.tar.zst", zstd(tar_of([]))),
            ]
        )
    )


def with_field(text: bytes) -> bytes:
    """Return the minimal index.json with one more field."""
    return VALID[:-1] + b"," + text + b"}"
