"""Paths below a channel's URL, and the files that they name."""

import pytest

from pulp_conda.formats import layout
from pulp_conda.formats.layout import ChannelPath, FileKind, parse_path

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("noarch/repodata.json", ChannelPath(FileKind.DOCUMENT, "noarch", "repodata.json")),
        (
            "linux-64/repodata_shards.msgpack.zst",
            ChannelPath(FileKind.DOCUMENT, "linux-64", "repodata_shards.msgpack.zst"),
        ),
        (
            "noarch/run_exports.json.zst",
            ChannelPath(FileKind.DOCUMENT, "noarch", "run_exports.json.zst"),
        ),
        ("channeldata.json", ChannelPath(FileKind.DOCUMENT, "", "channeldata.json")),
        ("notices.json", ChannelPath(FileKind.DOCUMENT, "", "notices.json")),
        (f"noarch/shards/{DIGEST}.msgpack.zst", ChannelPath(FileKind.SHARD, "noarch", DIGEST)),
        ("noarch/a-1-0.conda", ChannelPath(FileKind.PACKAGE, "noarch", "a-1-0.conda")),
        ("noarch/a-1-0.tar.bz2", ChannelPath(FileKind.PACKAGE, "noarch", "a-1-0.tar.bz2")),
    ],
)
def test_paths_that_channels_have(path: str, expected: ChannelPath) -> None:
    assert parse_path(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "noarch",
        "noarch/",
        "repodata.json",
        "noarch/channeldata.json",
        "noarch/index_manifest.msgpack.zst",
        "index_manifest.msgpack.zst",
        "noarch/run_exports.json.bz2",
        "noarch/repodata.json.gz",
        "a/b/repodata.json",
        "a/b/a-1-0.conda",
        f"noarch/{DIGEST}.msgpack.zst",
        f"shards/{DIGEST}.msgpack.zst",
        f"/shards/{DIGEST}.msgpack.zst",
        f"a/noarch/shards/{DIGEST}.msgpack.zst",
        f"noarch/shards/{DIGEST.upper()}.msgpack.zst",
        f"noarch/shards/{DIGEST}.msgpack.zst\n",
        f"noarch/shards/{DIGEST[1:]}.msgpack.zst",
        "noarch/shards/a-1-0.conda",
        "noarch/a\0-1-0.conda",
        "noarch/\ud800-1-0.conda",
        "/a-1-0.conda",
    ],
)
def test_paths_that_no_channel_has(path: str) -> None:
    assert parse_path(path) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("noarch/repodata.json", "application/json"),
        ("noarch/repodata.json.zst", "application/zstd"),
        ("noarch/repodata.json.bz2", "application/x-bzip2"),
        ("noarch/repodata_shards.msgpack.zst", "application/zstd"),
        ("noarch/a-1-0.conda", "application/octet-stream"),
        ("index.html", "text/html; charset=utf-8"),
    ],
)
def test_media_types(path: str, expected: str) -> None:
    assert layout.content_type(path) == expected
