"""The files that a shard names."""

from pulp_conda.formats.index.shard_files import shard_files
from pulp_conda.formats.index.shards import IndexedPackage, Patched, ShardEncoder, build_shards
from pulp_conda.formats.records import canonical_json
from pulp_conda.formats.run_exports import RunExports


def member(filename: str, **fields: object) -> IndexedPackage:
    record = canonical_json({"name": "a", "depends": [], **fields}).decode()
    extension = "conda" if filename.endswith(".conda") else "tar.bz2"
    return IndexedPackage("a", filename, extension, record, {}, 5)  # type: ignore[arg-type]


def patch(filename: str, record: dict[str, object], exports: RunExports | None) -> Patched | None:
    if filename == "a-9-0.conda":
        return None
    return Patched({**record, "revoked": True} if filename == "a-2-0.conda" else record, exports)


def test_all_formats_are_named_and_removed_files_are_not() -> None:
    members = [
        member("a-1-0.tar.bz2"),
        member("a-2-0.conda"),
        member("a-3-0.conda", schema_version=3, flags=["x"]),
        member("a-3-0.tar.bz2", schema_version=3, flags=["x"]),
        member("a-9-0.conda"),
    ]
    (shard,) = build_shards(members, patch)
    data = ShardEncoder().encode(shard, ["a-0-0.conda"]).data
    assert shard_files(data) == {
        "a-1-0.tar.bz2": False,
        "a-2-0.conda": True,
        "a-3-0.conda": False,
        "a-3-0.tar.bz2": False,
    }
