"""The time for which caches may keep a file of a channel."""

import pytest

from pulp_conda.app.cache_control import cache_control
from pulp_conda.formats.layout import FileKind


@pytest.mark.parametrize("kind", FileKind)
@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("lifetime", [0, 60])
def test_files_that_may_change_are_revalidated(
    kind: FileKind, private: bool, lifetime: int
) -> None:
    header = cache_control(kind, private=private, name_lifetime_s=lifetime)
    assert ("private" in header, "public" in header) == (private, not private)
    lasting = kind is FileKind.SHARD or (kind is FileKind.PACKAGE and lifetime > 0)
    assert ("immutable" in header, "must-revalidate" in header) == (lasting, not lasting)
    assert ("max-age=60," in header) == (kind is FileKind.PACKAGE and lifetime == 60)
