"""The index documents of one subdir, written into a folder."""

from collections.abc import Iterable
from pathlib import Path

from pulp_conda.formats import layout
from pulp_conda.formats.current_repodata import current_shards
from pulp_conda.formats.repodata import write_bz2, write_repodata
from pulp_conda.formats.shard_store import ShardStore
from pulp_conda.formats.shards import Shard


def write_documents(
    subdir: str, shards: Iterable[Shard], folder: Path, *, bz2_max_bytes: int
) -> dict[str, Path]:
    """Write a subdir's index and return the file behind each path below the channel's URL.

    Reads the shards once. Equal shards in equal order give equal bytes. A subdir without packages
    has no index, but for `noarch`, without which clients refuse a channel.
    """
    repodata, current = folder / layout.REPODATA, folder / layout.CURRENT_REPODATA
    with ShardStore(folder) as store:
        records = _write(subdir, store.recorded(shards), repodata)
        if not records and subdir != layout.NOARCH:
            return {}
        current_records = _write(subdir, current_shards(store), current)
    twins = _with_twins(repodata, bz2_max_bytes)
    # A choice that left nothing out made the same bytes: they need not be compressed again.
    same = current_records == records
    current_twins = twins if same else _with_twins(current, bz2_max_bytes)
    return {f"{subdir}/{repodata.name}{suffix}": file for suffix, file in twins.items()} | {
        f"{subdir}/{current.name}{suffix}": file for suffix, file in current_twins.items()
    }


def _write(subdir: str, shards: Iterable[Shard], document: Path) -> int:
    with document.open("wb") as plain, _twin(document, layout.ZST).open("wb") as zst:
        return write_repodata(subdir, shards, plain, zst)


def _with_twins(document: Path, bz2_max_bytes: int) -> dict[str, Path]:
    """Return a document and its compressed twins by the suffixes of their names."""
    files = {"": document, layout.ZST: _twin(document, layout.ZST)}
    if document.stat().st_size <= bz2_max_bytes:
        files[layout.BZ2] = _twin(document, layout.BZ2)
        with document.open("rb") as plain, files[layout.BZ2].open("wb") as compressed:
            write_bz2(plain, compressed)
    return files


def _twin(document: Path, suffix: str) -> Path:
    return document.with_name(document.name + suffix)
