"""What the tests of archives share: inspection in one word."""

import io

from pulp_conda.formats.archives import PackageContents, inspect
from pulp_conda.formats.identifiers import Extension
from pulp_conda.formats.limits import Limits


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
