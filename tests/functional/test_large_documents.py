"""Large documents: their text is not stored, and decompressed while it is sent."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import requests
import zstandard

from tests.builders import PackageBuilder
from tests.functional.clients import install_from, solve_from
from tests.functional.harness import ONE_OF_EACH, Rest, RunningServer
from tests.functional.homes import Homes
from tests.functional.http_rules import check_conditions, get
from tests.functional.s3 import channel_in, running_s3

_LARGE = 2000  # bytes
_REPODATA = "noarch/repodata.json"
_DEPENDS = [f"needed{number} >={number}.{number * 7919 % 10007}" for number in range(40_000)]


@pytest.fixture(scope="module")
def large(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with storages by domains, that stores hardly any text."""
    home = homes.make(
        tmp_path_factory.mktemp("large") / "home", f"CONDA_PLAIN_MAX_BYTES = {_LARGE}\n"
    )
    running = RunningServer(home, arguments=ONE_OF_EACH, domains=True).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def folder(large: RunningServer) -> Path:
    """The storage of the domain `files`."""
    folder = large.home / "media" / "files"
    Rest(large).create(
        "domains/",
        name="files",
        storage_class="pulpcore.app.models.storage.FileSystem",
        storage_settings={"location": str(folder)},
    )
    return folder


@pytest.fixture(scope="module", params=["file system", "S3"])
def url(large: RunningServer, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a channel with large documents."""
    if request.param == "S3":
        with running_s3() as s3:
            url = channel_in(large, s3, "large", redirects=False)
            yield filled(large, url)
    else:
        yield filled(large, large.channel("files"))


def filled(server: RunningServer, url: str) -> str:
    """Add packages to a channel."""
    for package in (
        PackageBuilder("large", "1.0").depends(*_DEPENDS),
        PackageBuilder("small", "1.0"),
        PackageBuilder("small", "2.0").depends("other"),
        PackageBuilder("other", "1.0"),
    ):
        assert server.put(f"{url}/x.conda", package.conda()).status_code == 201
    return url


def test_the_text_is_that_of_the_compressed_document(url: str) -> None:
    for path in (_REPODATA, "noarch/current_repodata.json"):
        packed, whole = get(f"{url}/{path}.zst"), get(f"{url}/{path}")
        assert whole.status_code == 200
        assert whole.content == zstandard.ZstdDecompressor().decompress(packed.content)
        assert whole.headers["Content-Length"] == str(len(whole.content))
        assert len(whole.content) > 1_000_000
        assert whole.headers["Content-Type"] == "application/json"
        assert "Content-Encoding" not in whole.headers
        assert whole.headers["ETag"] not in (packed.headers["ETag"], None)
        assert packed.headers["ETag"] == f'"{sha256(packed.content).hexdigest()}"'
        assert whole.headers["Last-Modified"] == packed.headers["Last-Modified"]


def test_it_follows_the_rules_of_http(large: RunningServer, url: str) -> None:
    # Of one index alone: a date that two share is ignored.
    channel = f"{url}/one"
    package = PackageBuilder("large", "1.0").depends(*_DEPENDS)
    assert large.put(f"{channel}/x.conda", package.conda()).status_code == 201
    document = f"{channel}/{_REPODATA}"
    whole = get(document)
    assert whole.headers["Accept-Ranges"] == "none"
    assert whole.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    head = requests.head(document, headers={"Accept-Encoding": "identity"}, timeout=30)
    assert head.status_code == 200
    unlike = {"Date", "Server"}
    assert {k: v for k, v in head.headers.items() if k not in unlike} == {
        k: v for k, v in whole.headers.items() if k not in unlike
    }
    check_conditions(document, whole)
    for wanted in ("bytes=0-9", "bytes=-5", f"bytes={len(whole.content)}-"):
        answer = get(document, Range=wanted, If_Range=whole.headers["ETag"])
        assert (answer.status_code, answer.content) == (200, whole.content)
    small = get(f"{channel}/linux-64/repodata.json", Range="bytes=0-9")
    assert (small.status_code, len(small.content)) == (206, 10)


def test_clients_solve_and_install_from_it(url: str, tmp_path: Path) -> None:
    assert solve_from([url], ["small"]) == ["other-1.0-0.conda", "small-2.0-0.conda"]
    assert install_from([url], ["other"], tmp_path / "env") == ["other-1.0-0.conda"]


def test_the_page_lists_the_names(url: str) -> None:
    page = get(f"{url}/index.html")
    assert page.status_code == 200
    assert "small" in page.text


def test_a_damaged_document_is_never_sent_as_whole(large: RunningServer, folder: Path) -> None:
    url = filled(large, large.channel("files", "damaged"))
    whole = get(f"{url}/{_REPODATA}").content
    digest = get(f"{url}/{_REPODATA}.zst").headers["ETag"].strip('"')
    (file,) = folder.rglob(digest[2:])
    data = file.read_bytes()
    later = len(data) * 3 // 4
    for damaged in (data[:-1], b"x" * len(data), data[:20] + b"x" * (len(data) - 20)):
        file.write_bytes(damaged)
        answer = get(f"{url}/{_REPODATA}")
        assert answer.status_code == 503
        assert "storage" in answer.text
    file.write_bytes(data[:later] + b"\xff" * (len(data) - later))
    with pytest.raises(requests.exceptions.RequestException):
        get(f"{url}/{_REPODATA}")
    file.write_bytes(data)
    assert get(f"{url}/{_REPODATA}").content == whole
