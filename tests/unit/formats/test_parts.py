"""Parts of an index, and frames that are made of independently compressed parts."""

import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pulp_conda.formats.compression import (
    PACKED_COMMA,
    PACKED_END,
    PartEncoder,
    frame_header,
    unpacked_part,
    zstd,
)
from pulp_conda.formats.index import parts
from pulp_conda.formats.index.manifest import IndexManifest
from pulp_conda.formats.index.parts import NameEntry, Part, cut
from pulp_conda.formats.index.update import ManifestUpdate

# Texts that would go on with the repeat offsets or the entropy tables of a part before them.
_TEXTS = [b"a" * 1000, b"abcd" * 500, b"abcdefgh" * 400, b"x", b",", b"", b"abc" * 700_000]


def frame(found: Sequence[bytes], texts: Sequence[bytes]) -> bytes:
    return b"".join((frame_header(sum(map(len, texts))), *found, PACKED_END))


@given(st.lists(st.integers(0, len(_TEXTS) + 19), max_size=30), st.integers(0, 2**32))
@settings(max_examples=60)
def test_every_decoder_reads_parts_in_any_order(order: list[int], seed: int) -> None:
    chance = random.Random(seed)
    texts = [*_TEXTS, *(bytes(chance.choices(b"ab", k=2000)) for _ in range(20))]
    encoder = PartEncoder(1)
    packed = [encoder.encode(text) for text in texts]
    chosen = [texts[at] for at in order]
    spliced = frame([packed[at] for at in order], chosen)
    whole = b"".join(chosen)
    assert zstd.decompress(spliced) == whole
    assert zstandard.ZstdDecompressor().decompress(spliced) == whole
    stream = zstandard.ZstdDecompressor().stream_reader(spliced)
    assert b"".join(iter(lambda: stream.read(777), b"")) == whole
    assert [PartEncoder(1).encode(text) for text in texts[:3]] == packed[:3], "always the same"


def test_the_part_of_a_comma_is_known() -> None:
    assert PartEncoder(1).encode(b",") == PACKED_COMMA


def test_a_large_text_has_the_same_part_wherever_it_stands() -> None:
    chance = random.Random(1)
    text = b"".join(b"%d," % chance.randrange(10**6) for _ in range(2_000_000))
    first, second = PartEncoder(1), PartEncoder(1)
    second.encode(text[:5_000_000])
    part = first.encode(text)
    assert second.encode(text) == part
    assert unpacked_part(part, len(text)) == text


@pytest.mark.parametrize("damage", [lambda part: part[:-9], lambda part: part[9:]])
def test_a_damaged_part_is_told(damage: "type[bytes]") -> None:
    text = bytes(range(256)) * 50 + random.Random(1).randbytes(3000)
    with pytest.raises(zstd.ZstdError):
        unpacked_part(damage(PartEncoder(1).encode(text)), len(text))


@pytest.mark.skipif(not shutil.which("zstd"), reason="there is no command zstd")
def test_the_command_zstd_accepts_parts(tmp_path: Path) -> None:
    encoder = PartEncoder(1)
    path = tmp_path / "parts.zst"
    path.write_bytes(frame([encoder.encode(text) for text in _TEXTS], _TEXTS))
    done = subprocess.run(["zstd", "-t", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


_SIZES = st.dictionaries(st.text("abc", min_size=1, max_size=4), st.integers(1, 4000))


def entries(sizes: dict[str, int]) -> dict[str, NameEntry]:
    return {name: NameEntry(name, {0: size}) for name, size in sorted(sizes.items())}


def built(previous: IndexManifest, changed: set[str], new: dict[str, int]) -> IndexManifest:
    return ManifestUpdate(previous, changed, entries(new), {}).manifest()


@given(_SIZES, st.lists(st.tuples(_SIZES, st.sets(st.text("abc", min_size=1, max_size=4)))))
def test_parts_depend_on_the_names_and_never_on_history(
    sizes: dict[str, int], changes: list[tuple[dict[str, int], set[str]]]
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts, "TARGET_BYTES", 1000)
        manifest = built(IndexManifest(), set(), sizes)
        for added, dropped in changes:
            gone = dropped - added.keys()
            sizes = {name: size for name, size in (sizes | added).items() if name not in gone}
            manifest = built(manifest, gone | added.keys(), added)
            assert manifest.encode() == built(IndexManifest(), set(), sizes).encode()


def test_parts_are_bounded_and_of_the_wanted_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "TARGET_BYTES", 10_000)
    chance = random.Random(1)
    sizes = {f"name{number}": chance.randrange(1, 500) for number in range(40_000)}
    found, rest = cut(entries(sizes).values())
    texts = [sum(entry.text_bytes for entry in part) for part in found]
    assert sum(map(len, found)) + len(rest) == len(sizes)
    assert max(texts) < 4 * 10_000 + 500
    assert 9_000 < sum(texts) / len(texts) < 11_000


def test_a_change_makes_few_parts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "TARGET_BYTES", 10_000)
    sizes = {f"name{number}": number % 500 + 1 for number in range(40_000)}
    manifest = built(IndexManifest(), set(), sizes)
    update = ManifestUpdate(manifest, {"name777"}, entries({"name777": 300}), {})
    made = [part for part in update.parts() if not isinstance(part, Part)]
    assert 1 <= len(made) <= 2
    assert [part for part in update.parts() if isinstance(part, Part)], "the others are kept"
