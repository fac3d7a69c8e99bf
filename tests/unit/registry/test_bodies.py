"""Bodies of uploads. The file of a form does not depend on how its bytes arrive."""

import io
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.app.channels.intake.streams import IncompleteBody
from pulp_conda.app.registry.bodies import (
    BodyTooLarge,
    InvalidDocument,
    InvalidForm,
    InvalidUploadCheck,
    UploadBody,
    body_of,
    declared_size,
    document_of,
)

BOUNDARY = "boundary-0123456789"
CLOSING = f"\r\n--{BOUNDARY}--".encode()


class Chunks:
    """A stream that returns its content in chunks of given sizes."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self._content = io.BytesIO(content)
        self._sizes = iter(sizes)

    def read(self, size: int, /) -> bytes:
        return self._content.read(min(size, next(self._sizes, size)))

    def taken(self) -> int:
        return self._content.tell()


@dataclass
class Part:
    """One part of a form."""

    name: str
    content: bytes
    filename: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __bytes__(self) -> bytes:
        filename = f'; filename="{self.filename}"' if self.filename else ""
        lines = [f'Content-Disposition: form-data; name="{self.name}"{filename}']
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.content


def form(*parts: Part) -> bytes:
    """Return a form's bytes."""
    delimiter = f"--{BOUNDARY}\r\n".encode()
    return b"".join(delimiter + bytes(part) + b"\r\n" for part in parts) + (
        f"--{BOUNDARY}--\r\n".encode()
    )


def request(content: bytes, sizes: list[int], *, chunked: bool = False, **meta: str) -> Any:
    """Return a request with that content."""
    length = {} if chunked else {"CONTENT_LENGTH": str(len(content))}
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    stream = Chunks(content, sizes)
    return SimpleNamespace(META={"wsgi.input": stream, "CONTENT_TYPE": kind, **length, **meta})


def whole(body: UploadBody, size: int) -> bytes:
    """Read a body to its end, at most `size` bytes a time."""
    chunks = []
    while chunk := body.read(size):
        assert len(chunk) <= size
        chunks.append(chunk)
    return b"".join(chunks)


# Bytes that look like a boundary are the hardest case for a parser.
tricky = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b"-", b"--", BOUNDARY[:8].encode(), b"x", b"\0"])
).map(b"".join)
contents = st.one_of(st.binary(max_size=300), tricky).filter(
    lambda content: f"--{BOUNDARY}".encode() not in content
)
sizes = st.lists(st.integers(1, 40), max_size=60)
texts = st.dictionaries(st.sampled_from("abcde"), contents, max_size=3)


@given(contents, texts, texts, sizes, st.integers(1, 500), st.booleans())
def test_any_split_gives_the_same_file_and_fields(
    content: bytes,
    before: dict[str, bytes],
    behind: dict[str, bytes],
    sizes: list[int],
    size: int,
    chunked: bool,
) -> None:
    headers = (("X-File-Name", "demo.conda"), ("X-File-SHA256", "00"))
    parts = [
        *(Part(name, value) for name, value in before.items()),
        Part("file", content, "demo-1.0-0.conda", headers),
        *(Part(f"behind-{name}", value) for name, value in behind.items()),
    ]
    body = body_of(request(form(*parts), sizes, chunked=chunked))
    assert body.filename == "demo-1.0-0.conda"
    assert body.headers["x-file-sha256"] == "00"
    assert body.size is None
    for name, value in before.items():
        assert body.fields[name] == value.decode(errors="replace")
    assert whole(body, size) == content
    expected = {**before, **{f"behind-{name}": value for name, value in behind.items()}}
    assert body.fields == {name: value.decode(errors="replace") for name, value in expected.items()}


@given(contents, texts, sizes, st.booleans(), st.data())
def test_any_truncation_is_noticed(
    content: bytes, fields: dict[str, bytes], sizes: list[int], chunked: bool, data: st.DataObject
) -> None:
    entire = form(Part("file", content), *(Part(name, value) for name, value in fields.items()))
    end = entire.rindex(CLOSING) + len(CLOSING) - 1
    cut = entire[: data.draw(st.integers(0, end))]
    with pytest.raises((InvalidForm, IncompleteBody)):
        whole(body_of(request(cut, sizes, chunked=chunked)), 100)
    # Cut by a connection that ends before the declared length.
    with pytest.raises((InvalidForm, IncompleteBody)):
        whole(body_of(request(cut, sizes, CONTENT_LENGTH=str(len(entire)))), 100)


@given(st.binary(max_size=400), sizes)
def test_random_bytes_are_never_a_file(content: bytes, sizes: list[int]) -> None:
    with pytest.raises((InvalidForm, IncompleteBody)):
        whole(body_of(request(content, sizes)), 100)


@given(st.binary(max_size=300), sizes, st.integers(1, 500))
def test_a_body_that_is_not_a_form_is_the_package(
    content: bytes, sizes: list[int], size: int
) -> None:
    for kind in ("application/octet-stream", "application/x-www-form-urlencoded", ""):
        body = body_of(request(content, sizes, CONTENT_TYPE=kind))
        assert whole(body, size) == content
        assert body.size == len(content)
        assert (body.filename, dict(body.headers), body.fields) == (None, {}, {})
    undeclared = request(content, sizes, CONTENT_LENGTH="", CONTENT_TYPE="")
    assert body_of(undeclared).size is None


def test_the_file_is_the_first_part_with_a_file_name_or_called_file() -> None:
    first = Part("content", b"1", "a.conda")
    second = Part("file", b"2")
    third = Part("other", b"3", "b.conda")
    body = body_of(request(form(Part("text", b"0"), first, second, third), []))
    assert (body.filename, whole(body, 10)) == ("a.conda", b"1")
    assert body.fields == {"text": "0", "file": "2", "other": "3"}
    unnamed = body_of(request(form(Part("text", b"0"), second, third), []))
    assert (unnamed.filename, whole(unnamed, 10)) == (None, b"2")
    by_header = Part("package", b"4", headers=(("X-File-Name", "c.conda"),))
    named = body_of(request(form(by_header), []))
    assert (named.filename, whole(named, 10)) == ("c.conda", b"4")
    with pytest.raises(InvalidForm, match="no file"):
        body_of(request(form(Part("text", b"0")), []))


_MEGABYTE = b"x" * 1024**2


@pytest.mark.parametrize(
    "parts",
    [
        [Part("text", _MEGABYTE)],
        [Part(f"text{number}", _MEGABYTE[:20_000]) for number in range(60)],
        [Part("text", b"") for _ in range(101)],
        [Part("file", b"", headers=tuple((f"X-{n}", "x") for n in range(1000)))],
        [Part("file", b"", headers=(("X-Long", "x" * 20_000_000),))],
        [Part("x" * 20_000_000, b"")],
    ],
)
def test_a_form_costs_little_more_than_its_file(parts: list[Part]) -> None:
    refused = request(form(*parts), [])
    with pytest.raises(InvalidForm):
        body_of(refused)
    assert refused.META["wsgi.input"].taken() < 1_300_000
    behind = request(form(Part("file", b"1"), *parts), [])
    with pytest.raises(InvalidForm):
        whole(body_of(behind), 10)


def test_a_form_takes_no_endless_padding() -> None:
    file = form(Part("file", b"1"))
    with pytest.raises(InvalidForm):
        body_of(request(b"\r\n" * 1024**2 + file, []))
    with pytest.raises(InvalidForm):
        whole(body_of(request(file + b"x" * 2 * 1024**2, [])), 10)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_a_boundary_is_refused(kind: str) -> None:
    with pytest.raises(InvalidForm, match="boundary"):
        body_of(request(form(Part("file", b"")), [], CONTENT_TYPE=kind))


@given(sizes)
def test_a_document_is_a_json_object(sizes: list[int]) -> None:
    assert document_of(request(b'{"a": [1]}', [])) == {"a": [1]}
    assert document_of(request(b"", sizes)) == {}


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"1", b'"x"', b"\xff", b"[" * 100_000, b'{"a":' * 100_000,
                b'{"a": "\\ud800"}', b'{"\\udfff": 1}']
)  # fmt: skip
def test_other_content_is_not_a_document(content: bytes) -> None:
    with pytest.raises(InvalidDocument):
        document_of(request(content, []))


@pytest.mark.parametrize("chunked", [True, False])
def test_the_size_of_a_document_is_limited(chunked: bool) -> None:
    assert document_of(request(b"{}" + b" " * 98, [], chunked=chunked), 100) == {}
    large = request(b"{}" + b" " * 5_000_000, [], chunked=chunked)
    with pytest.raises(BodyTooLarge, match="4194304"):
        document_of(large)
    assert large.META["wsgi.input"].taken() <= 4194305
    with pytest.raises(BodyTooLarge, match="100"):
        document_of(request(b"{}" + b" " * 99, [], chunked=chunked), 100)


@pytest.mark.parametrize(
    ("value", "size"), [("bytes=0", 0), ("bytes=900000000000", 900_000_000_000), ("bytes=", None)]
)
def test_an_upload_check_declares_the_size_of_a_body_that_it_lacks(
    value: str, size: int | None
) -> None:
    check = request(b"", [], chunked=True, HTTP_X_UPLOAD_CHECK=value)
    assert declared_size(check) == size


@pytest.mark.parametrize("value", ["", "1", "bytes=-1", "bytes=x", "bytes=1,", "bytes=" + "1" * 21])
def test_an_upload_check_has_one_form(value: str) -> None:
    with pytest.raises(InvalidUploadCheck, match="bytes="):
        declared_size(request(b"", [], HTTP_X_UPLOAD_CHECK=value))
