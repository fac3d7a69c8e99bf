"""New shards are saved in batches that bound the memory of a statement."""

from contextlib import closing
from pathlib import Path

from pulp_conda.formats.index.new_shards import NewShards
from pulp_conda.formats.index.shards import ShardBytes


def batches(folder: Path, sizes: list[int]) -> list[list[int]]:
    """Return the sizes of the shards in each batch; their bytes must come back unchanged."""
    added = {
        f"name{number}": ShardBytes(b"%032d" % number, bytes([number % 256]) * size)
        for number, size in enumerate(sizes)
    }
    with closing(NewShards(folder, None)) as shards:
        for name, shard in added.items():
            shards.add(name, shard)
        found = list(shards.batches())
    assert {name: shard for batch in found for name, shard in batch.items()} == added
    return [[len(shard.data) for shard in batch.values()] for batch in found]


def test_no_shard_is_no_batch(tmp_path: Path) -> None:
    assert batches(tmp_path, []) == []


def test_small_shards_come_500_at_a_time(tmp_path: Path) -> None:
    assert [len(batch) for batch in batches(tmp_path, [1] * 1001)] == [500, 500, 1]


def test_a_batch_has_at_most_512_kib(tmp_path: Path) -> None:
    kib = 1024
    assert batches(tmp_path, [300 * kib, 212 * kib, 1]) == [[300 * kib, 212 * kib], [1]]


def test_a_larger_shard_is_a_batch_of_its_own(tmp_path: Path) -> None:
    large = 6 * 1024**2  # and the shards are on disk
    assert batches(tmp_path, [1, large, 1]) == [[1], [large], [1]]
