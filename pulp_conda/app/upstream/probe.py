"""Find out in seconds what an upstream has, and whether it can be mirrored from.

Of most documents only the size is asked for. The shard index of each subdir is read, and so are a
few shards, and of one package file its first byte.
"""

import asyncio
import copy
import hashlib
import random
import re
from typing import Any, Final

from aiohttp import ClientResponse

from pulp_conda.app.models import NO_AUTH, CondaRemote
from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import KNOWN_SUBDIRS
from pulp_conda.formats.upstream.errors import UnusableDocument, UnusableRecord
from pulp_conda.formats.upstream.limits import DEFAULT_LIMITS
from pulp_conda.formats.upstream.records import MirroredRecord, mirrored_record
from pulp_conda.formats.upstream.shard import decode_shard
from pulp_conda.formats.upstream.shard_index import ShardIndex, decode_shard_index
from pulp_conda.formats.upstream.urls import files_url, package_url, shard_url, shards_url

from .ask import Upstream
from .errors import Absent, Refused, UpstreamError

LONGEST_SECONDS: Final = 60.0
"""A probe that takes longer ends, and says what it has found until then."""

_CHANNEL_DOCUMENTS: Final = (layout.CHANNELDATA_JSON, layout.NOTICES)
_SUBDIR_DOCUMENTS: Final = (
    layout.REPODATA,
    layout.REPODATA + layout.ZST,
    layout.REPODATA + layout.BZ2,
    layout.RUN_EXPORTS_JSON,
    layout.RUN_EXPORTS_JSON + layout.ZST,
)
_SAMPLED_SHARDS: Final = 3
_FIRST_BYTE: Final = {"Range": "bytes=0-0"}
_TOTAL: Final = re.compile(r"bytes (?:0-0|\*)/([0-9]{1,18})")

Found = dict[str, Any]


async def probe(remote: CondaRemote) -> Found:
    """Return what an upstream has, as JSON. Nothing of it is a secret."""
    found: Found = {"authentication": "unknown", "documents": {}, "subdirs": {}, "file": None}
    found |= {"faults": [], "complete": False}
    try:
        async with asyncio.timeout(LONGEST_SECONDS), Upstream(remote) as upstream:
            await _Probe(remote, upstream, found).run()
    except TimeoutError:
        found["faults"].append(f"The probe ended after {LONGEST_SECONDS:.0f} seconds.")
    except Refused as error:
        found["authentication"] = "refused"
        found["faults"].append(error.sentence)
    except UpstreamError as error:
        found["faults"].append(error.sentence)
    else:
        found["complete"] = True
    return found


class _Probe:
    """Adds to what was found about an upstream."""

    def __init__(self, remote: CondaRemote, upstream: Upstream, found: Found) -> None:
        self._remote = remote
        self._upstream = upstream
        self._found = found
        self._channel = remote.url.rstrip("/")
        self._files: list[tuple[str, MirroredRecord]] = []

    async def run(self) -> None:
        """Ask for everything; stop if the upstream cannot be reached, or refuses.

        Raises:
            UpstreamError: it cannot be reached, or refuses.
        """
        first = f"{self._channel}/{layout.NOARCH}/{layout.REPODATA}"
        try:
            await self._size(first, optional=False)
        except Absent:
            self._fault(f"{first} is absent, which every channel should have.")
        else:
            self._found["authentication"] = await self._authentication(first)
        subdirs = sorted(self._remote.subdirs or KNOWN_SUBDIRS)
        async with asyncio.TaskGroup() as tasks:
            for name in _CHANNEL_DOCUMENTS:
                tasks.create_task(
                    self._document(self._found["documents"], f"{self._channel}/{name}", name)
                )
            for subdir in {*subdirs, layout.NOARCH}:
                tasks.create_task(self._subdir(subdir))
        self._found["subdirs"] = dict(sorted(self._found["subdirs"].items()))
        await self._file()

    async def _authentication(self, url: str) -> str:
        """Return whether credentials are accepted, and whether they are needed."""
        if self._remote.auth == NO_AUTH:
            return "none"
        stranger = copy.copy(self._remote)
        stranger.auth, stranger.headers = NO_AUTH, None
        try:
            async with Upstream(stranger) as upstream:
                await _size(upstream, url, optional=False)
        except UpstreamError:
            return "accepted"
        return "not needed"

    async def _subdir(self, subdir: str) -> None:
        folder = f"{self._channel}/{subdir}/"
        documents: Found = {}
        # Most upstreams have few subdirs, so the others are not asked for all documents.
        await self._document(documents, folder + layout.REPODATA, layout.REPODATA)
        shards = await self._shards(subdir, folder)
        if not documents and shards is None:
            return
        for name in _SUBDIR_DOCUMENTS[1:]:
            await self._document(documents, folder + name, name)
        self._found["subdirs"][subdir] = {"documents": documents, "shards": shards}

    async def _document(self, documents: Found, url: str, name: str) -> None:
        """Note the size of a document, if the upstream has it."""
        try:
            documents[name] = {"bytes": await self._size(url)}
        except Absent:
            return
        except UpstreamError as error:
            self._fault(error.sentence)

    async def _shards(self, subdir: str, folder: str) -> Found | None:
        """Return what is to be said of the shards of a subdir; None if there are none."""
        url = folder + layout.REPODATA_SHARDS
        try:
            answer = await self._upstream.get(url, limit=DEFAULT_LIMITS.index_bytes, optional=True)
            index = decode_shard_index(answer.body)
            files = files_url(url, index.base_url, self._remote.allowed_hosts)
            shards = shards_url(url, index.shards_base_url, self._remote.allowed_hosts)
        except Absent:
            return None
        except (UpstreamError, UnusableDocument) as error:
            self._fault(f"{url}: {_reason(error)}")
            return None
        found: Found = {"bytes": len(answer.body), "names": len(index.digests)}
        found["created"] = index.created.isoformat() if index.created else None
        if index.subdir not in (None, subdir):
            self._fault(f"{url} is the shard index of the subdir {index.subdir[:64]!r}.")
        return found | await self._sampled(subdir, index, shards, files)

    async def _sampled(self, subdir: str, index: ShardIndex, shards: str, files: str) -> Found:
        """Return how many of a few shards are what the index says."""
        names = random.sample(sorted(index.digests), min(_SAMPLED_SHARDS, len(index.digests)))
        records: list[MirroredRecord] = []
        wrong = 0
        for name in names:
            digest = index.digests[name]
            try:
                body = (
                    await self._upstream.get(
                        shard_url(shards, digest), limit=DEFAULT_LIMITS.shard_bytes
                    )
                ).body
                if hashlib.sha256(body).digest() != digest:
                    raise _WrongDigest
                records += self._records(subdir, name, body)
            except (UpstreamError, UnusableDocument, _WrongDigest) as error:
                wrong += 1
                self._fault(f"{subdir}: the shard of {name}: {_reason(error)}")
        self._files += [(files, record) for record in records if record.size]
        return {
            "sampled": len(names),
            "wrong": wrong,
            "indexed_timestamps": any(record.indexed for record in records) if records else None,
        }

    def _records(self, subdir: str, name: str, body: bytes) -> list[MirroredRecord]:
        records = []
        for filename, raw in decode_shard(body).items():
            try:
                records.append(mirrored_record(filename, raw, name=name, subdir=subdir))
            except UnusableRecord as error:
                self._fault(f"{subdir}: {_reason(error)}")
        return records

    async def _file(self) -> None:
        """Ask for a package file: some upstreams ask for credentials for files only."""
        if not self._files:
            return
        folder, record = random.choice(self._files)  # noqa: S311 (no secret)
        found: Found = {"path": f"{record.subdir}/{record.filename}", "bytes": None}
        self._found["file"] = found
        try:
            found["bytes"] = await self._size(package_url(folder, record.filename), optional=False)
        except UpstreamError as error:
            self._fault(error.sentence)
        else:
            if found["bytes"] not in (None, record.size):
                self._fault(f"{found['path']} has not the {record.size} bytes of its record.")

    async def _size(self, url: str, *, optional: bool = True) -> int | None:
        return await _size(self._upstream, url, optional=optional)

    def _fault(self, sentence: str) -> None:
        if len(self._found["faults"]) < DEFAULT_LIMITS.faults:
            self._found["faults"].append(sentence)


class _WrongDigest(Exception):
    def __str__(self) -> str:
        return "its bytes do not have the digest that the shard index says"


def _reason(error: Exception) -> str:
    return error.sentence if isinstance(error, UpstreamError) else str(error)


async def _size(upstream: Upstream, url: str, *, optional: bool) -> int | None:
    """Return the size of a file in bytes, None if the upstream does not say.

    Many servers answer HEAD wrongly, so the first byte is asked for.

    Raises:
        UpstreamError: the file is absent, or cannot be had.
    """
    async with upstream.stream(url, headers=_FIRST_BYTE, optional=optional) as response:
        if response.content_type == "text/html":
            raise Absent(f"{upstream.shown(url)} is answered with a web page.")
        return _total(response)


def _total(response: ClientResponse) -> int | None:
    if response.status == 200:
        return response.content_length
    total = _TOTAL.fullmatch(response.headers.get("Content-Range", ""))
    return int(total[1]) if total else None
