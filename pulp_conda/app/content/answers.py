"""HTTP answers of the content app, by the same rules for files, shards and rendered pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp.web import HTTPFound, Request, Response, StreamResponse

from pulp_conda.app.core.serving import count_bytes, storage_parameters
from pulp_conda.app.preconditions import Validators, Verdict, precondition, verdict
from pulp_conda.formats.layout import FileKind

from .sources import ByteSource

_NOT_STORED = {"Cache-Control": "no-store"}
_S3 = ("storages.backends.s3.S3Storage", "storages.backends.s3boto3.S3Boto3Storage")


@dataclass(frozen=True, slots=True)
class Representation:
    """What a URL names, with everything that its answer says about it."""

    kind: FileKind
    content_type: str
    cache_control: str
    validators: Validators
    body: ByteSource
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers, besides those that follow from the other fields."""


async def answer(request: Request, representation: Representation) -> StreamResponse:
    """Answer a GET or a HEAD."""
    if unchanged := bodyless(request, representation):
        return unchanged
    body = representation.body
    if request.method == "HEAD" and not body.is_measured:
        return _head(representation)
    size = await body.measured()
    asked = request.headers if body.has_ranges else {}
    decided = verdict(request.method, asked, representation.validators, size)
    if decided.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return _without_body(decided.status, representation, size)
    headers = _headers(representation, decided, size)
    if request.method == "HEAD":
        return Response(status=decided.status, headers=headers)
    if representation.kind is not FileKind.SHARD:
        count_bytes(decided.count)
    return await body.send(request, decided.status, headers, decided.start, decided.count)


def bodyless(request: Request, representation: Representation) -> StreamResponse | None:
    """Return 304 or 412 if the request's conditions decide on that, else None."""
    status = precondition(request.headers, representation.validators)
    return _without_body(status, representation) if status else None


def redirect(
    request: Request, representation: Representation, domain: Any, name: str, filename: str
) -> HTTPFound:
    """Return a redirect to a file in an object storage, which sends the headers that we would."""
    wanted = {
        "Content-Type": representation.content_type,
        "Cache-Control": representation.cache_control,
        "Content-Disposition": f"attachment;filename={filename}",
    }
    parameters = storage_parameters(domain, wanted)
    arguments = {"http_method": request.method} if domain.storage_class in _S3 else {}
    url = domain.get_storage().url(name, parameters=parameters, **arguments)
    # The URL is signed and expires soon.
    return HTTPFound(url, headers={**_NOT_STORED, "ETag": representation.validators.etag})


def _headers(representation: Representation, decided: Verdict, size: int) -> dict[str, str]:
    headers = _description(representation)
    headers["Content-Length"] = str(decided.count)
    if decided.status is HTTPStatus.PARTIAL_CONTENT:
        last = decided.start + decided.count - 1
        headers["Content-Range"] = f"bytes {decided.start}-{last}/{size}"
    return headers


def _head(representation: Representation) -> StreamResponse:
    """Answer a HEAD for a file whose size nobody knows."""
    response = Response(headers=_description(representation))
    response.enable_chunked_encoding()
    return response


def _description(representation: Representation) -> dict[str, str]:
    headers = _identity(representation)
    headers["Content-Type"] = representation.content_type
    headers["Accept-Ranges"] = "bytes" if representation.body.has_ranges else "none"
    headers["X-Content-Type-Options"] = "nosniff"
    headers.update(representation.headers)
    return headers


def _identity(representation: Representation) -> dict[str, str]:
    headers = {
        "ETag": representation.validators.etag,
        "Cache-Control": representation.cache_control,
    }
    if representation.validators.last_modified:
        headers["Last-Modified"] = representation.validators.last_modified
    return headers


def _without_body(status: HTTPStatus, representation: Representation, size: int = 0) -> Response:
    if status is HTTPStatus.NOT_MODIFIED:
        return Response(status=status, headers=_identity(representation))
    headers = {**_NOT_STORED, "ETag": representation.validators.etag}
    if status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        headers["Content-Range"] = f"bytes */{size}"
    return Response(status=status, headers=headers)
