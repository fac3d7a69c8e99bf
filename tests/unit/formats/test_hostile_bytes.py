"""Any bytes are accepted or refused with a reason, quickly and in little memory."""

import io
import random
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulp_conda.formats.archives import inspect
from pulp_conda.formats.archives.streams import Budget
from pulp_conda.formats.errors import ExpandsTooFar, InvalidPackage
from pulp_conda.formats.identifiers import Extension
from pulp_conda.formats.limits import MIB, Limits
from tests.builders import PackageBuilder, member, tar_of, zip_of, zstd
from tests.unit.formats.packages import read_conda

PACKAGE = (
    PackageBuilder("demo", "1.2", "0")
    .about(summary="x")
    .document("run_exports.json", b'["demo"]')
    .file("etc/conda/activate.d/demo.sh")
    .payload_member("link", b"", type=b"2", linkname="etc/conda")
)
WHOLE: dict[Extension, bytes] = {"conda": PACKAGE.conda(), "tar.bz2": PACKAGE.tar_bz2()}
INSIDE = {"info": PACKAGE.info_tar(), "pkg": PACKAGE.payload_tar()}


def is_judged(data: bytes, extension: Extension) -> bool:
    """Return whether the package is accepted; fail on any exception but InvalidPackage."""
    refusal = ""
    try:
        inspect(io.BytesIO(data), extension, Limits())
    except InvalidPackage as error:
        refusal = str(error)
    assert len(refusal) < 700
    return not refusal


def mutated(data: bytes, seed: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(seed.randint(1, 4)):
        at, length = seed.randrange(len(out) + 1), seed.choice((1, 2, 8, 64))
        match seed.randrange(4):
            case 0:
                out[at : at + length] = seed.randbytes(length)
            case 1:
                out[at:at] = seed.randbytes(length)
            case 2:
                del out[at : at + length]
            case _:
                start = seed.randrange(len(data))
                out[at : at + length] = data[start : start + length]
    return bytes(out)


quick = settings(max_examples=400)


@pytest.mark.parametrize("extension", ["conda", "tar.bz2"])
@given(seed=st.randoms(use_true_random=False))
@quick
def test_a_mutated_archive_is_judged(extension: Extension, seed: random.Random) -> None:
    is_judged(mutated(WHOLE[extension], seed), extension)


@pytest.mark.parametrize("half", ["info", "pkg"])
@given(seed=st.randoms(use_true_random=False))
@quick
def test_a_mutated_tar_in_sound_wrapping_is_judged(half: str, seed: random.Random) -> None:
    # Checksums catch most mutations of the outer layers. This mutates the layer inside.
    spoilt = zstd(mutated(INSIDE[half], seed))
    members = PACKAGE.zip_members()
    is_judged(
        zip_of((name, spoilt if name.startswith(half) else data) for name, data in members), "conda"
    )


@pytest.mark.parametrize("document", ["index.json", "about.json", "paths.json", "run_exports.json"])
@given(
    content=st.binary(max_size=64) | st.text(max_size=64).map(str.encode), cut=st.integers(0, 400)
)
@quick
def test_any_document_is_judged(document: str, content: bytes, cut: int) -> None:
    original = PACKAGE.info_tar()
    at = original.index(b"{", 512) + cut % 100
    package = PackageBuilder("demo", "1.2", "0")
    package.documents = dict(PACKAGE.documents)
    package.documents[document] = original[at : at + cut] + content
    is_judged(package.conda(), "conda")


@pytest.mark.parametrize("extension", ["conda", "tar.bz2"])
def test_every_flipped_byte_is_judged(extension: Extension) -> None:
    whole = WHOLE[extension]
    assert is_judged(whole, extension)
    accepted = [
        at
        for at in range(len(whole))
        if is_judged(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :], extension)
    ]
    # Times, versions and attributes of a zip are not read. Checksums cover all other bytes.
    assert len(accepted) <= (3 * (6 + 13) if extension == "conda" else 0)


def test_a_large_package_takes_no_memory() -> None:
    data = PackageBuilder().payload(24 * 1024**2).conda()
    file = io.BytesIO(data)
    tracemalloc.start()
    inspect(file, "conda", Limits())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 1024**2


@pytest.mark.parametrize("extension", ["conda", "tar.bz2"])
def test_a_bomb_costs_no_more_than_its_limit(
    extension: Extension, monkeypatch: pytest.MonkeyPatch
) -> None:
    expanded = 0

    def spend(budget: Budget, expanded_bytes: int) -> None:
        nonlocal expanded
        expanded += expanded_bytes
        really_spend(budget, expanded_bytes)

    really_spend = Budget.spend
    monkeypatch.setattr(Budget, "spend", spend)
    bomb = PackageBuilder().file("zeros", bytes(96 * MIB))
    data = bomb.conda() if extension == "conda" else bomb.tar_bz2()
    with pytest.raises(ExpandsTooFar):
        inspect(io.BytesIO(data), extension, Limits())
    allowed = Limits().expanded_for(len(data))
    assert allowed < expanded <= allowed + MIB


def test_each_name_of_a_chain_of_links_is_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0

    def check_time(budget: Budget) -> None:
        nonlocal steps
        steps += 1
        really_check_time(budget)

    really_check_time = Budget.check_time
    monkeypatch.setattr(Budget, "check_time", check_time)
    links, depth = 39, 1500
    deep = "/".join("a" * depth)
    package = PackageBuilder().payload_member(f"{deep}/f", b"")
    for number in range(links):
        target = f"l{number - 1}/{deep}" if number else deep
        package.payload_member(f"l{number}", type=b"2", linkname=target)
    read_conda(package.conda())
    names = depth * links * (links + 1) // 2  # the n-th link leads through all before it
    systems = 2  # with and without regard to case
    assert steps <= systems * names


def test_a_hard_link_beneath_what_is_absent_does_not_find_the_root() -> None:
    package = PackageBuilder().file("x").payload_member("h", type=b"1", linkname="absent/x")
    with pytest.raises(InvalidPackage, match="hard link"):
        read_conda(package.conda())


@pytest.mark.parametrize("path", ["Conda-Meta/history", "CONDA-META/history"])
def test_client_files_are_refused_in_any_case(path: str) -> None:
    with pytest.raises(InvalidPackage, match="only clients"):
        read_conda(PackageBuilder().file(path).conda())


def test_a_zip_with_zip64_headers_is_read() -> None:
    # Python reserves them when a size is unknown, as conda-package-handling does for real.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in PACKAGE.zip_members():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as file:
                file.write(content)
    assert is_judged(buffer.getvalue(), "conda")


def test_a_zip_with_data_descriptors_is_read() -> None:
    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.written += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for name, content in PACKAGE.zip_members():
            archive.writestr(zipfile.ZipInfo(name), content)
    assert is_judged(pipe.written, "conda")
    at = pipe.written.index(b"PK\x07\x08") + 5
    assert not is_judged(pipe.written[:at] + b"\xee" + pipe.written[at + 1 :], "conda")


def test_a_zstd_window_beyond_the_limit_is_refused() -> None:
    info = tar_of([member("info/x", b"x")])
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([(31 - 10) << 3]) + zstd(info)[6:]
    members = [
        (name, frame if name.startswith("info") else data) for name, data in PACKAGE.zip_members()
    ]
    with pytest.raises(InvalidPackage, match="corrupt"):
        read_conda(zip_of(members))
