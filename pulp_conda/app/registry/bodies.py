"""Request bodies: a package, a multipart form that contains a package, or a JSON document."""

import json
import re
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pulp_conda.app.channels.intake.streams import BodyStream, IncompleteBody

if TYPE_CHECKING:
    from rest_framework.request import Request

_CHUNK_BYTES = 64 * 1024
_FORM = b"multipart/form-data"
_FILE = "file"
"""A part of this name is the file even without a file name, as rattler-build sends it to
anaconda.org."""

_UNSUPPORTED_PARTS = ("attestation",)
"""Parts that are refused, because the client would believe that the server kept them."""

_MAX_PARTS = 100
_MAX_BESIDE_FILE_BYTES = 1024**2  # boundaries, headers and fields; an attestation has 10 kB
_MAX_DOCUMENT_BYTES = 4 * 1024**2  # may repeat a package's index.json, of a megabyte at most

UPLOAD_CHECK = "X-Upload-Check"
"""The header of a request without a body that asks whether an upload may begin.

Its value is `bytes=N`, where N is the length of the body, or `bytes=` if the length is unknown.
"""
_UPLOAD_CHECK_KEY = "HTTP_X_UPLOAD_CHECK"
_UPLOAD_CHECK = re.compile("bytes=([0-9]{0,20})")


class BodyTooLarge(Exception):
    """A body is longer than its URL allows."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the body has {size} bytes, more than the {limit} allowed here")


class InvalidForm(Exception):
    """A multipart body cannot be read, or contains no file."""


class InvalidUploadCheck(Exception):
    """The header `X-Upload-Check` cannot be read."""


class InvalidDocument(Exception):
    """A JSON body cannot be read, or has an invalid value."""


class UploadBody:
    """The package in an upload's body; it can be read once.

    `size` is the length in bytes that the client declared for the package, or None.
    """

    def __init__(self, stream: BodyStream, size: int | None) -> None:
        self._stream = stream
        self.size = size
        self.filename: str | None = None
        self.headers: Mapping[str, str] = {}
        self.fields: dict[str, str] = {}

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes of the package, b"" at its end."""
        return self._stream.read(size)


def is_upload_check(request: "Request") -> bool:
    """Tell whether a request only asks if an upload may begin."""
    return _UPLOAD_CHECK_KEY in request.META


def declared_size(request: "Request") -> int | None:
    """Return the body's length that the headers declare, or None.

    Raises:
        InvalidUploadCheck: the header of an upload check cannot be read.
    """
    if not is_upload_check(request):
        length = request.META.get("CONTENT_LENGTH")
        return int(length) if length else None
    if request.META.get("CONTENT_LENGTH") not in (None, "", "0") or (
        "HTTP_TRANSFER_ENCODING" in request.META
    ):
        raise InvalidUploadCheck(f"a request with {UPLOAD_CHECK} has no body")
    found = _UPLOAD_CHECK.fullmatch(request.META[_UPLOAD_CHECK_KEY])
    if found is None:
        raise InvalidUploadCheck(f"{UPLOAD_CHECK} must be of the form bytes=1234")
    return int(found[1]) if found[1] else None


def largest_body(package_bytes: int, *, form: bool) -> int:
    """Return the maximum length of a body that contains a package of `package_bytes` bytes."""
    return package_bytes + _MAX_BESIDE_FILE_BYTES if form else package_bytes


def is_form(request: "Request") -> bool:
    """Tell whether the body is a multipart form, with the package in one of its parts."""
    return _content_type(request)[0] == _FORM


def _content_type(request: "Request") -> tuple[bytes, dict[bytes, bytes]]:
    return parse_options_header(request.META.get("CONTENT_TYPE"))


def document_of(request: "Request", limit: int = _MAX_DOCUMENT_BYTES) -> dict[str, Any]:
    """Return the JSON object in a request's body, {} if the body is empty.

    Raises:
        BodyTooLarge: the body has more than `limit` bytes.
        InvalidDocument: the body is not a JSON object.
    """
    declared = declared_size(request)
    if declared is not None and declared > limit:
        raise BodyTooLarge(declared, limit)
    # Not request.data, because DRF's parser has no size limit.
    content = request.META["wsgi.input"].read(limit + 1)
    if len(content) > limit:
        raise BodyTooLarge(len(content), limit)
    try:
        document = json.loads(content or b"{}")
        json.dumps(document, ensure_ascii=False).encode()  # fails on lone surrogates
    except (ValueError, RecursionError) as error:
        raise InvalidDocument("the body is not a JSON document") from error
    if not isinstance(document, dict):
        raise InvalidDocument("the JSON document is not an object")
    return document


def body_of(request: "Request") -> UploadBody:
    """Return the body of an upload, or the file in it if the body is a form.

    The file is the first part that has a file name or is called "file".

    Raises:
        InvalidForm: the form cannot be read, or contains no file.
    """
    # Not request.data, because Django reads a chunked body as an empty one.
    stream = request.META["wsgi.input"]
    declared = declared_size(request)
    kind, parameters = _content_type(request)
    if kind != _FORM:
        return UploadBody(stream, declared)
    return _Form(stream, parameters.get(b"boundary", b""), declared)


class _Form(UploadBody):
    """The file in a multipart form; reading it to its end also reads the fields after it."""

    def __init__(self, stream: BodyStream, boundary: bytes, declared: int | None) -> None:
        super().__init__(stream, None)
        self._left = declared
        self._received = self._of_file = self._parts = 0
        self._ready: deque[bytes] = deque()
        self._in_file = self._had_file = self._ended = False
        self._part: dict[str, str] = {}
        self._name = self._value = b""
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise InvalidForm(f"the form's boundary is invalid: {error}") from error
        if not boundary:
            raise InvalidForm("the form names no boundary")
        while not self._had_file:
            if not self._feed():
                raise InvalidForm("the form holds no file")

    def read(self, size: int, /) -> bytes:
        while not self._ready and self._feed():
            pass
        if not self._ready:
            return b""
        chunk = self._ready.popleft()
        if len(chunk) > size:
            self._ready.appendleft(chunk[size:])
        return chunk[:size]

    def _feed(self) -> bool:
        """Read and parse the next chunk; return False at the end of the body."""
        wanted = _CHUNK_BYTES if self._left is None else min(_CHUNK_BYTES, self._left)
        chunk = self._stream.read(wanted) if wanted else b""
        self._received += len(chunk)
        if not chunk:
            if not self._ended:
                raise IncompleteBody(self._received, None)
            return False
        if self._left is not None:
            self._left -= len(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise InvalidForm(f"the form cannot be read: {error}") from error
        if self._received - self._of_file > _MAX_BESIDE_FILE_BYTES:
            raise InvalidForm(
                f"the form has more than {_MAX_BESIDE_FILE_BYTES} bytes beside its file"
            )
        return True

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def _on_part_begin(self) -> None:
        self._part, self._value = {}, b""
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise InvalidForm(f"the form has more than {_MAX_PARTS} parts")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._part[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._part.get("content-disposition"))
        self._field = options.get(b"name", b"").decode(errors="replace")
        if self._field in _UNSUPPORTED_PARTS:
            raise InvalidForm(f"this server does not store the {self._field}; send none")
        filename = options.get(b"filename", self._part.get("x-file-name", "").encode())
        if (filename or self._field == _FILE) and not self._had_file:
            self._in_file = self._had_file = True
            self.filename = filename.decode(errors="replace") or None
            self.headers = self._part

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._ready.append(data[start:end])
            self._of_file += end - start
        else:
            self._value += data[start:end]

    def _on_part_end(self) -> None:
        if not self._in_file:
            self.fields[self._field] = self._value.decode(errors="replace")
        self._in_file, self._value = False, b""

    def _on_end(self) -> None:
        self._ended = True
