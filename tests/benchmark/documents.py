"""The cost of reading what an upstream sends: `python -m tests.benchmark.documents --packages N`.

The same made-up records come as `repodata.json` and as shards. Every record is then made one of
this server. Seconds are of the processor. Nothing is downloaded, and no database is used.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import msgspec

from pulp_conda.formats.index.shards import IndexedPackage, ShardEncoder, build_shards
from pulp_conda.formats.upstream.document import read_document
from pulp_conda.formats.upstream.raw import RawRecords
from pulp_conda.formats.upstream.records import mirrored_record
from pulp_conda.formats.upstream.shard import decode_shard
from pulp_conda.formats.upstream.shard_index import decode_shard_index
from tests.benchmark.synthetic import Synthetic, packages
from tests.unit.formats.upstream.packed import shard_index

_MAPS = {"tar.bz2": "packages", "conda": "packages.conda"}


def write_documents(folder: Path, found: list[Synthetic]) -> None:
    """Write `repodata.json` and `run_exports.json` with the records of all subdirs."""
    for document, text_of in (("repodata.json", _record), ("run_exports.json", _run_exports)):
        with (folder / document).open("w") as file:
            opening = '{"info":{}'
            for extension, key in _MAPS.items():
                file.write(f'{opening},"{key}":{{')
                texts = (text_of(each) for each in found if each.extension == extension)
                file.write(",".join(texts) + "}")
                opening = ""
            file.write("}")


def _record(package: Synthetic) -> str:
    return f'"{package.filename}":{package.record_json}'


def _run_exports(package: Synthetic) -> str:
    weak = ",".join(f'"{spec}"' for spec in package.run_exports.get("weak", ()))
    exports = f'{{"weak":[{weak}]}}' if weak else "{}"
    return f'"{package.filename}":{{"run_exports":{exports}}}'


def shards_of(found: list[Synthetic]) -> dict[str, bytes]:
    """Return the shards of all records by name."""
    ordered = sorted(found, key=lambda each: (each.record["name"], each.filename))
    encoder = ShardEncoder()
    indexed = (
        IndexedPackage(
            each.record["name"], each.filename, each.extension, each.record_json,  # type: ignore[arg-type]
            each.run_exports, None,
        )
        for each in ordered
    )  # fmt: skip
    return {shard.name: encoder.encode(shard, ()).data for shard in build_shards(indexed)}


@contextmanager
def timed(what: str, count: int) -> Iterator[None]:
    """Print the time of a step, and the memory of the process after it."""
    began = time.process_time()
    yield
    seconds = time.process_time() - began
    print(
        f"{what:<28} {seconds:6.2f} s {seconds / count * 1e6:6.1f} µs a record   "
        f"anonymous {_megabytes('RssAnon')} MB, peak {_megabytes('VmHWM')} MB"
    )


def _megabytes(field: str) -> int:
    """Return a figure of this process, with the pages of mapped files in the peak."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) // 1024


def read_all(names: Iterable[str], records: Callable[[str], RawRecords]) -> int:
    """Make every record one of this server, and return their number."""
    count = 0
    for name in names:
        for filename, raw in records(name).items():
            # The made-up records are of two subdirs, and each is asked for by its own.
            subdir = "noarch" if "-pyhd8ed1ab_" in filename else "linux-64"
            mirrored_record(filename, raw, name=name, subdir=subdir)
            count += 1
    return count


def make(folder: Path, count: int) -> None:
    """Write the documents, and the shards in one file."""
    found = list(packages(count))
    write_documents(folder, found)
    (folder / "shards").write_bytes(msgspec.msgpack.encode(shards_of(found)))


def main(count: int) -> None:
    """Measure each step for a number of records."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own, whose memory is not measured.
        maker = get_context("spawn").Process(target=make, args=(folder, count))
        maker.start()
        maker.join()
        measure(folder, count)


def measure(folder: Path, count: int) -> None:
    """Read what `make` has written."""
    size = (folder / "repodata.json").stat().st_size
    print(f"{count:,} records, {size / 1e6:.0f} MB of repodata.json")
    with timed("repodata.json, by name", count):
        document = read_document(folder / "repodata.json")
    with timed("run_exports.json beside it", count):
        document.add_run_exports((folder / "run_exports.json").read_bytes())
    with timed("their digests by name", count):
        document.run_exports_digests()
    with timed("records of the document", count):
        assert read_all(document.digests, document.records) == count
    del document
    shards = msgspec.msgpack.decode((folder / "shards").read_bytes(), type=dict[str, bytes])
    index = shard_index(dict.fromkeys(shards, b"x" * 32))
    with timed(f"index of {len(shards):,} shards", count):
        decode_shard_index(index)
    with timed("records of the shards", count):
        assert read_all(shards, lambda name: decode_shard(shards[name])) == count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=100_000)
    main(parser.parse_args().packages)
