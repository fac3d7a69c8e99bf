"""The channel and the file that a path of the registry names."""

from typing import Literal

import pytest

from pulp_conda.app.registry.paths import (
    GenericPath,
    UploadPath,
    parse_download_path,
    parse_generic_path,
    parse_upload_path,
)

_DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("path", "channel", "below"),
    [
        ("noarch/repodata.json", None, "noarch/repodata.json"),
        ("dev/noarch/x.conda", "dev", "noarch/x.conda"),
        ("a/b/noarch/x.conda", "a/b", "noarch/x.conda"),
        ("channeldata.json", None, "channeldata.json"),
        ("dev/notices.json", "dev", "notices.json"),
        ("a/b/index.html", "a/b", "index.html"),
        ("", None, ""),
        ("dev/", "dev", ""),
        ("a/b/", "a/b", ""),
        ("a//b///noarch//x.conda", "a/b", "noarch/x.conda"),
        ("/dev//", "dev", ""),
        ("//", None, ""),
        ("dev/noarch/x.conda/", "dev", "noarch/x.conda"),
        ("noarch/repodata.json//", None, "noarch/repodata.json"),
        ("dev/channeldata.json/", "dev", "channeldata.json"),
        ("dev/20260101T000000Z/", "dev", "20260101T000000Z/"),
        ("dev/20260101T000000Z/noarch/x.conda", "dev", "20260101T000000Z/noarch/x.conda"),
    ],
)
def test_a_channels_name_ends_before_the_subdir_or_the_document(
    path: str, channel: str | None, below: str
) -> None:
    assert parse_download_path(path) == (channel, below)


@pytest.mark.parametrize("name", ["index.html", "notices.json", "channeldata.json", ""])
@pytest.mark.parametrize("channel", [None, "dev", "a/b"])
def test_the_registrys_url_of_a_document_of_the_root(name: str, channel: str | None) -> None:
    path = f"{channel}/{name}" if channel else name
    assert parse_download_path(path) == (channel, name)


@pytest.mark.parametrize("channel", [None, "dev", "a/b", "shards"])
@pytest.mark.parametrize("time", ["", "20261124T120000Z/"])
@pytest.mark.parametrize(
    "file", ["noarch/repodata.json", "x/a-1-0.conda", f"noarch/shards/{_DIGEST}.msgpack.zst"]
)
def test_the_registrys_url_of_other_files(channel: str | None, time: str, file: str) -> None:
    path = f"{channel}/{time}{file}" if channel else f"{time}{file}"
    assert parse_download_path(path) == (channel, f"{time}{file}")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x.conda", (None, None, "x.conda")),
        ("dev/x.conda", ("dev", None, "x.conda")),
        ("a/b/linux-64/x.conda", ("a/b", "linux-64", "x.conda")),
        ("linux-64/x.conda", (None, "linux-64", "x.conda")),
        ("a/plan9-128/x.conda", ("a/plan9-128", None, "x.conda")),
        ("/a//b//x.conda/", ("a/b", None, "x.conda")),
        ("dev/", (None, None, "dev")),
        ("//", (None, None, "")),
    ],
)
def test_an_upload_names_channel_subdir_and_file(
    path: str, expected: tuple[str | None, str | None, str]
) -> None:
    assert parse_upload_path(path) == UploadPath(*expected)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x", (None, "x", None, "")),
        ("x/1.0", (None, "x", "1.0", "")),
        ("x/1.0/files", (None, "x", "1.0", "files")),
        ("x/files", (None, "x", "files", "")),
        ("x/-/latest", (None, "x", None, "latest")),
        ("a%2Fb%2Fx/-/latest?all_versions=true", ("a/b", "x", None, "latest")),
        ("a/b/x/1.0?page=1", ("a/b", "x", "1.0", "")),
        ("-/latest", (None, "-", "latest", "")),
        ("x/", None),
        ("x//1.0", None),
        ("", None),
    ],
)
def test_a_generic_path_names_a_package_a_version_or_its_files(
    path: str, expected: tuple[str | None, str, str | None, Literal["", "files", "latest"]] | None
) -> None:
    found = parse_generic_path(f"/api/v1/packages/owner/conda/{path}")
    assert found == (expected and GenericPath(*expected))
