"""Writing documents and their variants."""

import bz2
import hashlib
import random
from pathlib import Path

import pytest

from pulp_conda.formats.compression import zstd
from pulp_conda.formats.index.files import DocumentWriter, write_bz2, write_plain

ALGORITHMS = ("sha256", "sha512")


def test_a_document_of_many_chunks_is_whole_and_in_order(tmp_path: Path) -> None:
    chance = random.Random(1)
    data = b"".join(b'{"a":%d}' % chance.randrange(10**9) for _ in range(600_000))
    for step in (1_000_003, 70_001):
        with DocumentWriter(tmp_path / "a", ALGORITHMS) as writer:
            for start in range(0, len(data), step):
                writer.write(data[start : start + step])
        assert writer.size == writer.written.size == len(data)
        assert writer.written.path.read_bytes() == data
        digests = {name: hashlib.new(name, data).hexdigest() for name in ALGORITHMS}
        assert writer.written.digests == digests


@pytest.mark.parametrize("numbers", [10, 300_000])
def test_the_text_of_a_compressed_document_is_written(tmp_path: Path, numbers: int) -> None:
    data = b"".join(b"%d," % number for number in range(numbers))
    zst = tmp_path / "a.zst"
    zst.write_bytes(zstd.compress(data))
    written = write_plain(zst, len(data), tmp_path / "a", ALGORITHMS)
    assert written.path.read_bytes() == data
    assert written.digests["sha512"] == hashlib.sha512(data).hexdigest()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full disk to offer")
@pytest.mark.parametrize("megabytes", [0.001, 20])
def test_a_full_disk_is_told(megabytes: float) -> None:
    def write() -> None:
        with DocumentWriter(Path("/dev/full"), ALGORITHMS) as writer:
            for _ in range(int(megabytes * 1000)):
                writer.write(b"x" * 1000)

    with pytest.raises(OSError, match="No space left"):
        write()


def test_a_bz2_variant_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    zst = tmp_path / "zst"
    zst.write_bytes(zstd.compress(b"0123456789" * 50_000))
    variants = [write_bz2(zst, tmp_path / name, ALGORITHMS) for name in ("a", "b")]
    assert variants[0].digests == variants[1].digests
    assert bz2.decompress(variants[0].path.read_bytes()) == b"0123456789" * 50_000
