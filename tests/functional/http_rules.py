"""Checks of HTTP's rules for a channel's files: conditional requests, ranges and caching."""

import msgspec
import requests
import zstandard

PACKAGE = "noarch/demo-1.0-0.conda"


SHARD_INDEX = "noarch/repodata_shards.msgpack.zst"


UNCHANGED = ("ETag", "Cache-Control", "Last-Modified")


def get(url: str, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(url, headers={"Accept-Encoding": "zstd, gzip", **named}, timeout=30)


def shard_paths(url: str, subdir: str = "noarch") -> dict[str, str]:
    """Return the path of each name's shard."""
    answer = get(f"{url}/{subdir}/repodata_shards.msgpack.zst")
    assert answer.status_code == 200
    raw = zstandard.ZstdDecompressor().decompressobj().decompress(answer.content)
    index = msgspec.msgpack.decode(raw)
    assert index["info"]["shards_base_url"] in ("shards/", "./shards/")
    return {
        name: f"{subdir}/shards/{digest.hex()}.msgpack.zst"
        for name, digest in index["shards"].items()
    }


def files_of(url: str) -> list[str]:
    """Return a path of each kind of file."""
    documents = ("repodata.json", "repodata.json.zst", "current_repodata.json", "run_exports.json")
    return [
        *(f"noarch/{name}" for name in documents),
        SHARD_INDEX,
        "channeldata.json",
        PACKAGE,
        *shard_paths(url).values(),
    ]


def check_conditions(url: str, whole: requests.Response) -> None:
    etag, modified = whole.headers["ETag"], whole.headers.get("Last-Modified")
    expected = {name: whole.headers[name] for name in UNCHANGED if name in whole.headers}
    long_ago = "Mon, 01 Jan 2024 00:00:00 GMT"
    unchanged = [get(url, If_None_Match=etag), get(url, If_None_Match=f'"x", W/{etag}')]
    unchanged.append(get(url, If_None_Match=etag, If_Modified_Since=long_ago))
    if modified:
        unchanged.append(get(url, If_Modified_Since=modified))
    for answer in unchanged:
        assert (answer.status_code, answer.content) == (304, b"")
        assert {name: answer.headers.get(name) for name in expected} == expected
        assert "Content-Type" not in answer.headers
    assert get(url, If_None_Match='"x"', If_Modified_Since=modified or "").status_code == 200
    assert get(url, If_Modified_Since=long_ago).status_code == 200
    assert get(url, If_Match='"x"').status_code == 412


def check_ranges(url: str, whole: requests.Response) -> None:
    size, etag = len(whole.content), whole.headers["ETag"]
    for wanted, start, end in (
        ("bytes=0-9", 0, 10),
        (f"bytes={size - 3}-", size - 3, size),
        ("bytes=-5", size - 5, size),
        (f"bytes=1-{size * 2}", 1, size),
    ):
        for extra in ({}, {"If_Range": etag}):
            part = get(url, Range=wanted, **extra)
            assert part.status_code == 206
            assert part.content == whole.content[start:end]
            assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
            assert part.headers["ETag"] == etag
    assert get(url, Range="bytes=0-9", If_Range='"x"').content == whole.content
    assert get(url, Range="bytes=0-1,5-6").content == whole.content
    outside = get(url, Range=f"bytes={size}-")
    assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{size}")
