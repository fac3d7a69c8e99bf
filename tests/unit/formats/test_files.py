"""Documents, and the compressed variants that are written with them."""

import hashlib
import random
from pathlib import Path

import pytest
import zstandard

from pulp_conda.formats.compression import zstd
from pulp_conda.formats.index.files import DocumentWriter, write_bz2

ALGORITHMS = ("sha256", "sha512")


def test_compressed_variants_of_many_chunks_are_whole_and_in_order(tmp_path: Path) -> None:
    chance = random.Random(1)
    data = b"".join(b'{"a":%d}' % chance.randrange(10**9) for _ in range(600_000))
    written = []
    for name, step in (("a", 1_000_003), ("b", 70_001)):
        plain, zst = tmp_path / name, tmp_path / f"{name}.zst"
        with DocumentWriter(plain, zst, ALGORITHMS, len(data)) as writer:
            for start in range(0, len(data), step):
                writer.write(data[start : start + step])
        assert writer.size == writer.plain.size == len(data)
        assert writer.plain.path.read_bytes() == data
        packed = writer.zst.path.read_bytes()
        # In one call, which needs the size in the frame's header.
        assert zstandard.ZstdDecompressor().decompress(packed) == data
        for file, content in ((writer.plain, data), (writer.zst, packed)):
            assert file.digests == {n: hashlib.new(n, content).hexdigest() for n in ALGORITHMS}
        written.append(packed)
    assert written[0] == written[1], "however the text came"


@pytest.mark.parametrize("announced", [0, 4, 6])
def test_a_document_of_another_size_than_announced_is_no_document(
    tmp_path: Path, announced: int
) -> None:
    def write() -> None:
        with DocumentWriter(tmp_path / "a", tmp_path / "zst", ALGORITHMS, announced) as writer:
            writer.write(b"12345")

    with pytest.raises(zstd.ZstdError, match="size"):
        write()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full disk to offer")
@pytest.mark.parametrize("megabytes", [0.001, 20])
def test_a_full_disk_is_told(tmp_path: Path, megabytes: float) -> None:
    def write() -> None:
        pieces = int(megabytes * 1000)
        with DocumentWriter(
            Path("/dev/full"), tmp_path / "zst", ALGORITHMS, pieces * 1000
        ) as writer:
            for _ in range(pieces):
                writer.write(b"x" * 1000)

    with pytest.raises(OSError, match="No space left"):
        write()


def test_a_bz2_variant_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"0123456789" * 50_000)
    variants = [write_bz2(plain, tmp_path / name, ALGORITHMS) for name in ("a", "b")]
    assert variants[0].digests == variants[1].digests
