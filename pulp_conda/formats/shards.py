"""Shards: all records of one package name in one subdir, the piece that an index is made of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from .identifiers import Extension


class Member(NamedTuple):
    """A package as it goes into its shard; `record_json` is its canonical record."""

    name: str
    filename: str
    extension: Extension
    record_json: str


@dataclass(slots=True)
class Shard:
    """The records of one name, as the pieces that repodata documents are joined from.

    A piece is `"file name":record` without a comma on either side.
    """

    name: str
    packages: list[str] = field(default_factory=list)
    packages_conda: list[str] = field(default_factory=list)


def build_shards(members: Iterable[Member]) -> Iterator[Shard]:
    """Group members, which come ordered by name and then by file name, into shards.

    Holds one shard at a time. Records are taken as they are: serialising them again would cost
    more than everything else about an index.
    """
    for name, group in groupby(members, key=lambda member: member.name):
        shard = Shard(name)
        for member in group:
            pieces = shard.packages_conda if member.extension == "conda" else shard.packages
            # A file name's grammar leaves nothing in it that JSON would escape.
            pieces.append(f'"{member.filename}":{member.record_json}')
        yield shard
