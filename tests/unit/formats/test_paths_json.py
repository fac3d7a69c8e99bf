"""The values that info/paths.json may have."""

import pytest

from pulp_conda.formats.errors import InvalidField, InvalidJson
from tests.builders import PackageBuilder
from tests.unit.formats.packages import read_conda


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        b'{"paths": 1, "paths_version": 1}',
        b'{"paths": [], "paths_version": 2}',
        b"[",
        b"[" * 100_000,
        b'{"paths": [{"_path": 1, "path_type": "hardlink"}], "paths_version": 1}',
        b'{"paths": [{"_path": "x", "path_type": "device"}], "paths_version": 1}',
        b'{"paths": [{"_path": "x", "path_type": "hardlink", "sha256": "no"}], "paths_version": 1}',
        b'{"paths": [{"_path": "x", "path_type": "softlink", "size_in_bytes": -1}],'
        b'"paths_version": 1}',
        b'{"paths": [{"_path": "x", "path_type": "softlink", "size_in_bytes": 1.5}],'
        b'"paths_version": 1}',
        b'{"paths": [], "paths_version": 1.5}',
    ],
    ids=lambda data: str(len(data)),
)
def test_a_malformed_paths_json_is_refused(document: bytes) -> None:
    with pytest.raises((InvalidField, InvalidJson), match=r"info/paths\.json"):
        read_conda(PackageBuilder().document("paths.json", document).conda())


@pytest.mark.parametrize("one", [b"1.0", b"10e-1"])
def test_whole_floats_of_paths_json_are_integers(one: bytes) -> None:
    document = (
        b'{"paths": [{"_path": "a", "path_type": "hardlink", "size_in_bytes": %s}],'
        b'"paths_version": %s}' % (one, one)
    )
    package = PackageBuilder().file("a").document("paths.json", document)
    assert read_conda(package.conda()).filename.name == "demo"
