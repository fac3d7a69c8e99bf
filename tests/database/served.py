"""What clients of a channel get: its index, and whether that is sound."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import msgspec
import zstandard
from pulpcore.plugin.util import get_domain

from pulp_conda.app.channels.upkeep.check_index import faults_of
from pulp_conda.app.content import lookup
from pulp_conda.app.models import (
    ChannelName,
    CondaPublication,
    CondaRepository,
    CondaShard,
)
from pulp_conda.formats.layout import ChannelPath, parse_path

SUBDIRS = ("noarch", "linux-64")


@dataclass
class Served:
    """A channel at its URL with the index that is served now, as the content app finds them."""

    channel: lookup.Channel
    index: lookup.Index

    @classmethod
    def find(cls, repository: CondaRepository) -> Self | None:
        """Look at a channel; return None if it has no index."""
        owner, _, name = repository.name.partition("/")
        channel = lookup.channel_named(ChannelName(owner, name))
        assert channel is not None
        index = lookup.served_index(channel)
        return cls(channel, index) if index else None

    @classmethod
    def of(cls, repository: CondaRepository) -> Self:
        """Look at a channel that has an index."""
        served = cls.find(repository)
        assert served is not None
        return served

    def packages(self) -> dict[str, str]:
        """Return the sha256 of the packages that the index names, by path."""
        return {
            f"{subdir}/{filename}": record["sha256"]
            for subdir in SUBDIRS
            for kind in ("packages", "packages.conda")
            for filename, record in self._json(f"{subdir}/repodata.json").get(kind, {}).items()
        }

    def shards(self) -> dict[tuple[str, str], str]:
        """Return the digests of the shards that the index names, by subdir and name."""
        found: dict[tuple[str, str], str] = {}
        for subdir in SUBDIRS:
            data = self._document(f"{subdir}/repodata_shards.msgpack.zst")
            if data is not None:
                text = zstandard.ZstdDecompressor().decompressobj().decompress(data)
                listed = msgspec.msgpack.decode(text)["shards"]
                found |= {(subdir, name): digest.hex() for name, digest in listed.items()}
        return found

    def package(self, path: str) -> bytes | None:
        """Return the bytes at a package's path, None if nothing is found there."""
        file = lookup.package(self.channel, self.index, _parsed(path))
        return _stored(file.name) if isinstance(file, lookup.StoredFile) else None

    def shard(self, subdir: str, digest: str) -> bytes | None:
        """Return the bytes of a shard, None if it is not found."""
        where = _parsed(f"{subdir}/shards/{digest}.msgpack.zst")
        found = lookup.shard(self.channel, self.index, where)
        return found.data if found else None

    def _json(self, path: str) -> Any:
        data = self._document(path)
        return {} if data is None else msgspec.json.decode(data)

    def _document(self, path: str) -> bytes | None:
        file = lookup.document(self.index, path)
        return _stored(file.name) if file else None


def unsound(served: Served) -> list[str]:
    """Return what is wrong with what a channel serves."""
    publication = CondaPublication.objects.get(pk=served.index.publication)
    faults = [f"{path}: {problem}" for path, problem in faults_of(publication)]
    return [*faults, *_shards_in_excess(served), *_not_found(served)]


def _shards_in_excess(served: Served) -> Iterator[str]:
    number, named = served.index.number, served.shards()
    rows = CondaShard.objects.filter(repository=served.index.repository, added__lte=number)
    for row in rows.exclude(removed__lte=number):
        if named.get((row.subdir, row.name)) != row.digest:
            yield f"{row.subdir}/{row.name}: the index does not name the shard {row.digest}"


def _not_found(served: Served) -> Iterator[str]:
    for path, sha256 in served.packages().items():
        if _sha256(served.package(path)) != sha256:
            yield f"{path}: it cannot be fetched"
    for (subdir, name), digest in served.shards().items():
        if _sha256(served.shard(subdir, digest)) != digest:
            yield f"{subdir}/{name}: its shard {digest} cannot be fetched"


def _parsed(path: str) -> ChannelPath:
    found = parse_path(path)
    assert found is not None
    return found


def _stored(name: str) -> bytes:
    with get_domain().get_storage().open(name, "rb") as file:
        data: bytes = file.read()
    return data


def _sha256(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()
