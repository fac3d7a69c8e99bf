"""Answers that are made when they are asked for, rather than read from the storage."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from aiohttp.abc import AbstractStreamWriter
from aiohttp.web import BaseRequest, Request, StreamResponse
from asgiref.sync import sync_to_async
from pulpcore.plugin.models import Publication

from pulp_conda.app.authentication.addresses import address_of
from pulp_conda.app.channels.contents import ServedIndex
from pulp_conda.app.models import CondaDistribution


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer may depend on."""

    channel: UUID
    """The channel's distribution."""
    title: str
    private: bool
    index: ServedIndex | None
    """What the channel serves, None before there is any."""
    url: str
    """The channel's URL as the reader knows it, without credentials and without a slash."""
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Generated:
    """An answer: the same bytes for the same question, as long as nothing changes."""

    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


Maker = Callable[[Asked], Generated]


class GeneratedResponse(StreamResponse):
    """Makes its content once it has the request, which pulpcore's `content_handler` is not given.

    pulpcore's cache, whose keys know nothing of queries, keeps no response of this kind.
    """

    def __init__(
        self,
        make: Maker,
        distribution: CondaDistribution,
        publication: Publication | None,
        path: str,
    ) -> None:
        super().__init__(headers=distribution.content_headers_for(path))
        self._make = make
        self._distribution = distribution
        self._publication = publication

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Send everything (aiohttp `StreamResponse.prepare`)."""
        assert isinstance(request, Request)  # noqa: S101 (aiohttp's application knows no other)
        made = await sync_to_async(self._made)(request)
        self._describe(made, request)
        body = made.body if self.status != 304 else b""
        if self.status != 304:
            self.content_length = len(body)
        writer = await super().prepare(request)
        if body and request.method != "HEAD":
            await self.write(body)
        return writer

    def _made(self, request: Request) -> Generated:
        distribution, publication = self._distribution, self._publication
        return self._make(
            Asked(
                channel=distribution.pk,
                title=distribution.base_path,
                private=distribution.content_guard_id is not None,
                index=ServedIndex.of(publication) if publication else None,
                url=address_of(request),
                query=request.query,
            )
        )

    def _describe(self, made: Generated, request: Request) -> None:
        self.set_status(made.status)
        self.headers["Content-Type"] = made.content_type
        self.headers["X-Content-Type-Options"] = "nosniff"
        self.headers.update(made.headers)
        if made.status != 200:
            return
        etag = hashlib.sha256(made.body).hexdigest()
        self.headers["ETag"] = f'"{etag}"'
        if any(tag.value in ("*", etag) for tag in request.if_none_match or ()):
            self.set_status(304)
