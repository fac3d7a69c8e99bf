"""Resolves a request for a URL of a channel to an answer."""

from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from aiohttp.web import (
    HTTPFound,
    HTTPMovedPermanently,
    HTTPNotFound,
    Request,
    Response,
    StreamResponse,
)
from django.conf import settings
from pulpcore.plugin.util import get_domain

from pulp_conda.app.cache_control import cache_control
from pulp_conda.app.core.serving import is_file_system, validate_domain
from pulp_conda.app.models import ChannelName
from pulp_conda.app.preconditions import Validators, http_date
from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import is_timestamp
from pulp_conda.formats.index.empty import EmptyIndexOptions, empty_document
from pulp_conda.formats.layout import ChannelPath, FileKind

from . import lookup
from .answers import Representation, bodyless, redirect
from .fetch.body import UpstreamBytes
from .fetch.origins import wanted_file
from .lookup import AbsentFile, Channel, Index, StoredFile
from .permission import check_credentials, permit
from .rendered import PAGES, Page
from .sources import Bytes, ByteSource, CompressedText, FileInStorage, FileOnDisk, StoredBytes

_NOT_STORED = {"Cache-Control": "no-store"}


class UnknownChannel(Exception):
    """There is no channel at a URL, or pulpcore has to answer."""


class Rendering(NamedTuple):
    """A page to render, outside of the database's thread."""

    channel: Channel
    parsed: ChannelPath
    page: Page


def find(request: Request, name: ChannelName | None) -> Representation | Rendering | StreamResponse:
    """Return the requested file or page, or the answer if that has no body.

    `match_info["path"]` is the path of the channel and the path below it. `name` is the channel's
    name, if the URL separates the two. Afterwards the path begins with the distribution's own
    base path, as guards and pulpcore expect. `CREDENTIALS` of the request that nobody has checked
    yet are checked. Runs in the database's thread, with few queries.

    Raises:
        WrongCredentials, HashNeeded: what `passwords.recognised` raises for the credentials.
        UnknownChannel: there is no channel at any start of the path.
        UserUnknown: call again after pulpcore's authentication.
        HTTPException: the request is refused or redirected.
    """
    asked = request.match_info["path"]
    facts = check_credentials(request, name, asked)
    if settings.DOMAIN_ENABLED:
        validate_domain(request)
    channel = lookup.channel_of(facts) if facts else _look_up(name, asked)
    if channel is None:
        raise UnknownChannel
    below = asked[len(channel.base_path) :]
    request.match_info["path"] = channel.base_path + below
    if channel.content_guard:
        permit(request, channel, channel.content_guard)
    path = below.lstrip("/")
    if not path and not request.path.endswith("/"):
        raise HTTPMovedPermanently(f"{quote(request.path.rpartition('/')[2])}/")
    index, path = _index(channel, path)
    parsed = layout.parse_path(path or layout.INDEX_HTML)
    if parsed is None:
        raise _missing()
    if not parsed.subdir and parsed.name in PAGES:
        return _page(request, channel, index, parsed)
    if index is None:
        return _nothing_yet(channel, parsed)
    return _file(request, channel, index, parsed)


def _look_up(name: ChannelName | None, asked: str) -> Channel | None:
    return lookup.channel_named(name) if name else lookup.channel_at(lookup.base_paths(asked))


def _index(channel: Channel, path: str) -> tuple[Index | None, str]:
    """Return the index for a path, and the path in the index.

    In a checkpoint distribution, the path begins with the time of the index.
    """
    if not channel.checkpoint:
        return lookup.served_index(channel), path
    if not path:
        raise UnknownChannel  # pulpcore lists the times
    asked, slash, rest = path.partition("/")
    index = lookup.index_at(channel, asked) if is_timestamp(asked) else None
    if index is None:
        raise _missing()
    exact = lookup.timestamp_of(index)
    if asked != exact or not slash:
        # Relative, so that it works for every URL of the channel, also with a token in the path.
        up = "../" * path.count("/")
        raise HTTPFound(f"{up}{exact}/{quote(rest)}")
    return index, rest


def _page(
    request: Request, channel: Channel, index: Index | None, parsed: ChannelPath
) -> Rendering | StreamResponse:
    page = PAGES[parsed.name](request, channel, index)
    if page is None:
        raise _missing()
    if page.etag and callable(page.body):
        unrendered = _representation(
            channel, parsed, Bytes(b""), page.etag, page.content_type, page
        )
        if answer := bodyless(request, unrendered):
            return answer
    return Rendering(channel, parsed, page)


def rendered(rendering: Rendering) -> Representation | StreamResponse:
    """Render a page. It may take long, and does not query the database."""
    channel, parsed, page = rendering
    data = page.body() if callable(page.body) else page.body
    if page.status is not HTTPStatus.OK:
        headers = {**page.headers, **_NOT_STORED, "Content-Type": page.content_type}
        return Response(body=data, status=page.status, headers=headers)
    etag = page.etag or sha256(data).hexdigest()
    return _representation(channel, parsed, Bytes(data), etag, page.content_type, page)


def _nothing_yet(channel: Channel, parsed: ChannelPath) -> Representation:
    """Return a document of a channel without an index; clients refuse one without `noarch`."""
    if channel.repository is None or channel.checkpoint or parsed.kind is not FileKind.DOCUMENT:
        raise _missing()
    return _empty(channel, parsed, lookup.options_of_repository(channel.repository))


def _empty(
    channel: Channel, parsed: ChannelPath, options: EmptyIndexOptions | None
) -> Representation:
    """Return an empty document, for a subdir or channel without packages.

    Clients request their platform with every command, and several documents if one is 404.
    """
    data = options and empty_document(parsed, options)
    if not data:
        raise _missing()
    type_ = layout.content_type(parsed.name)
    return _representation(channel, parsed, Bytes(data), sha256(data).hexdigest(), type_)


def _file(
    request: Request, channel: Channel, index: Index, parsed: ChannelPath
) -> Representation | StreamResponse:
    match parsed.kind:
        case FileKind.SHARD:
            return _shard(channel, index, parsed)
        case FileKind.PACKAGE:
            return _package(request, channel, index, parsed)
        case _:
            return _document(request, channel, index, parsed)


def _shard(channel: Channel, index: Index, parsed: ChannelPath) -> Representation:
    found = lookup.shard(channel, index, parsed)
    if found is None:
        raise _missing()
    return _representation(channel, parsed, Bytes(found.data), found.digest, "application/zstd")


def _document(
    request: Request, channel: Channel, index: Index, parsed: ChannelPath
) -> Representation:
    found = lookup.document(index, f"{parsed.subdir}/{parsed.name}".lstrip("/"))
    if found is None:
        return _empty(channel, parsed, lookup.options(index, parsed.subdir))
    dated = None if _may_be_taken_for_another(request, index) else found
    type_ = layout.content_type(parsed.name)
    file = _stored_bytes(found)
    if found.is_compressed:
        etag = f"{found.digest}{layout.JSON}"
        return _representation(channel, parsed, CompressedText(file), etag, type_, dated)
    return _representation(channel, parsed, file, found.digest, type_, dated)


def _package(
    request: Request, channel: Channel, index: Index, parsed: ChannelPath
) -> Representation | StreamResponse:
    found = lookup.package(channel, index, parsed)
    if found is None:
        raise _missing()
    lifetime = settings.CONDA_NAME_RETIREMENT_SECONDS if found.immutable_name else 0
    type_ = layout.content_type(parsed.name)
    body = _upstream_bytes(found, parsed) if isinstance(found, AbsentFile) else _stored_bytes(found)
    representation = _representation(
        channel, parsed, body, found.digest, type_, found, name_lifetime_s=lifetime
    )
    if isinstance(found, AbsentFile):
        return representation
    domain = get_domain()
    # Only packages are redirected, which are most of the bytes. Clients cache documents by the
    # last URL of the redirects and by our ETag, and a signed URL would never match.
    if not is_file_system(domain) and domain.redirect_to_object_storage:
        return bodyless(request, representation) or redirect(
            request, representation, domain, found.name, parsed.name
        )
    return representation


def _upstream_bytes(file: AbsentFile, parsed: ChannelPath) -> UpstreamBytes:
    wanted = wanted_file(file, parsed)
    if wanted is None:
        raise _missing("the channel has this package, but its file is not on this server")
    return UpstreamBytes(wanted, _in_storage)


def _stored_bytes(file: StoredFile) -> StoredBytes:
    return _in_storage(file.name, file.size)


def _in_storage(name: str, size: int) -> StoredBytes:
    domain = get_domain()
    storage = domain.get_storage()
    if is_file_system(domain):
        return FileOnDisk(storage.path(name), size)
    return FileInStorage(storage, name, size)


def _may_be_taken_for_another(request: Request, index: Index) -> bool:
    """Tell whether a client that only sends a document's time may have another document."""
    headers = request.headers
    by_time = "If-Modified-Since" in headers and "If-None-Match" not in headers
    return by_time and not lookup.is_the_only_one_of_its_second(index)


def _representation(
    channel: Channel,
    parsed: ChannelPath,
    body: ByteSource,
    etag: str,
    content_type: str,
    dated: StoredFile | AbsentFile | Page | None = None,
    *,
    name_lifetime_s: int = 0,
) -> Representation:
    private = channel.content_guard is not None
    own = dated.headers if isinstance(dated, Page) else {}
    moment = dated and (dated.last_modified if isinstance(dated, Page) else dated.created)
    return Representation(
        parsed.kind,
        content_type,
        cache_control(parsed.kind, private=private, name_lifetime_s=name_lifetime_s),
        Validators(
            f'"{etag}"',
            http_date(moment) if moment else None,
            # A channel that is pinned to an older version serves an older file again.
            in_order=parsed.kind is FileKind.PACKAGE and channel.repository is not None,
        ),
        body,
        own,
    )


def _missing(reason: str | None = None) -> HTTPNotFound:
    """Return a 404 that no cache keeps: the next upload may make it untrue."""
    return HTTPNotFound(headers=_NOT_STORED, text=reason)
