"""Real records as packages to load: all records of a repodata document, with odd fields."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from tests.benchmark.synthetic import Synthetic

_MAPS = ("packages", "packages.conda")


def records(path: Path) -> dict[str, dict[str, Any]]:
    """Return all records of a `repodata.json.zst` by file name."""
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        document = msgspec.json.decode(stream.read())
    return {**document[_MAPS[0]], **document[_MAPS[1]]}


def packages(paths: list[Path]) -> Iterator[Synthetic]:
    """Yield the packages of the records in some documents."""
    for path in paths:
        for filename, record in records(path).items():
            yield Synthetic(filename, record, about={}, run_exports={})
