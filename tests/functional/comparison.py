"""Prints each field in which the documents of another indexer and those of a channel differ.

Run as `python -m tests.functional.comparison FOLDER CHANNEL_URL`: the folder is a channel that
another tool indexed. `docs/dev/publication.md` says which fields differ, and why.
"""

import bz2
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import requests

from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import EXTENSIONS
from tests.functional.shards import shard_path, unpacked

_ABSENT = "(absent)"
_INDEX = layout.REPODATA_SHARDS
_PACKAGES = tuple(f".{extension}" for extension in EXTENSIONS)
_SHOWN_CHARACTERS = 120

Documents = dict[str, Any]


def of_folder(folder: Path) -> dict[str, bytes]:
    """Return all files of an indexed folder except packages."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".cache" not in path.parts
        if not path.name.endswith(_PACKAGES)
    }


def of_channel(url: str, paths: set[str]) -> dict[str, bytes]:
    """Return the given paths of a channel, and all of its own documents and shards."""
    subdirs = {layout.split(path)[0].split("/")[0] for path in paths} - {""}
    own = {f"{subdir}/{name}" for subdir in subdirs for name in (*layout.SUBDIR_DOCUMENTS, _INDEX)}
    found = _fetched(url, paths | own | layout.ROOT_DOCUMENTS)
    for subdir in subdirs:
        if data := found.get(f"{subdir}/{_INDEX}"):
            digests = msgspec.msgpack.decode(unpacked(data))["shards"].values()
            found |= _fetched(url, {shard_path(digest, subdir) for digest in digests})
    return found


def _fetched(url: str, paths: set[str]) -> dict[str, bytes]:
    with requests.Session() as session:
        answers = {path: session.get(f"{url}/{path}", timeout=60) for path in sorted(paths)}
    return {path: answer.content for path, answer in answers.items() if answer.ok}


def parsed(files: dict[str, bytes]) -> Documents:
    """Return the parsed documents and shards; for a compressed variant, whether it is equal."""
    found: Documents = {}
    for path, data in files.items():
        subdir, name = layout.split(path)
        plain = files.get(path.rpartition(".")[0], b"")
        if name == _INDEX:
            index = msgspec.msgpack.decode(unpacked(data))
            for package, digest in index.pop("shards").items():
                found[f"{subdir}/shard of {package}"] = _shard(files, subdir, digest, index)
            found[path] = index
        elif name.endswith(".json"):
            found[path] = msgspec.json.decode(data)
        elif name.endswith(".json.zst"):
            found[path] = {"equal": unpacked(data) == plain}
        elif name.endswith(".json.bz2"):
            found[path] = {"equal": bz2.decompress(data) == plain}
        elif not name.endswith(".msgpack.zst"):
            found[path] = {}
    return found


def _shard(files: dict[str, bytes], subdir: str, digest: bytes, index: Any) -> Any:
    folder = index["info"]["shards_base_url"].removeprefix("./")
    return msgspec.msgpack.decode(unpacked(files[f"{subdir}/{folder}{digest.hex()}.msgpack.zst"]))


def differences(theirs: Any, ours: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield a line for each field that differs."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            below = (theirs.get(key, _ABSENT), ours.get(key, _ABSENT))
            yield from differences(*below, (*path, key))
    elif theirs != ours:
        shown = (str(value)[:_SHOWN_CHARACTERS] for value in (theirs, ours))
        yield f"{' | '.join(path)}: {' -> '.join(shown)}"


def main(folder: str, url: str) -> None:
    """Compare the two and print the differences."""
    theirs = of_folder(Path(folder))
    ours = of_channel(url.rstrip("/"), set(theirs))
    for line in differences(parsed(theirs), parsed(ours)):
        print(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
