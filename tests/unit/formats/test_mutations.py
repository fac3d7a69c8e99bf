"""Whatever is done to a valid package: it is accepted or refused, never anything else."""

import bz2
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from pulp_conda.formats.archives import PackageContents, inspect
from pulp_conda.formats.errors import InvalidPackage
from pulp_conda.formats.identifiers import Extension
from pulp_conda.formats.limits import Limits
from tests.builders import PackageBuilder, zip_of, zstd

_PACKAGE = PackageBuilder("demo", "1.0", "0").depends("python").about(home="x").file("lib/demo")
_LIMITS = Limits(expanded_bytes=4 * 1024**2, seconds=5)

_EDITS = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from(["flip", "insert", "delete", "repeat", "cut"]),
              st.binary(min_size=1, max_size=40)),
    min_size=1, max_size=4,
)  # fmt: skip


def edited(data: bytes, edits: list[tuple[int, str, bytes]]) -> bytes:
    for position, kind, piece in edits:
        at = position % (len(data) + 1)
        if kind == "flip":
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "insert":
            data = data[:at] + piece + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + len(piece) :]
        elif kind == "repeat":
            data = data[:at] + data[max(0, at - 512) :]
        else:
            data = data[:at]
    return data


def accepted_or_refused(data: bytes, extension: Extension) -> PackageContents | str:
    try:
        return inspect(io.BytesIO(data), extension, _LIMITS)
    except InvalidPackage as error:
        return str(error)


@settings(max_examples=400, deadline=None)
@given(_EDITS)
def test_edited_packages(edits: list[tuple[int, str, bytes]]) -> None:
    for data, extension in ((_PACKAGE.conda(), "conda"), (_PACKAGE.tar_bz2(), "tar.bz2")):
        outcome = accepted_or_refused(edited(data, edits), extension)  # type: ignore[arg-type]
        assert outcome


@settings(max_examples=400, deadline=None)
@given(_EDITS)
def test_edited_tars_in_sound_wrappings(edits: list[tuple[int, str, bytes]]) -> None:
    tar = edited(_PACKAGE.info_tar(), edits)
    metadata, payload, info = _PACKAGE.zip_members()
    conda = zip_of([metadata, payload, (info[0], zstd(tar))])
    assert accepted_or_refused(conda, "conda")
    assert accepted_or_refused(bz2.compress(tar), "tar.bz2")


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=3000))
def test_edited_documents(document: bytes) -> None:
    for name in ("index.json", "about.json", "paths.json", "run_exports.json"):
        package = PackageBuilder("demo", "1.0", "0").document(name, document)
        assert accepted_or_refused(package.conda(), "conda")
