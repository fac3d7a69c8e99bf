"""The file in which a fetched file arrives."""

import asyncio
import os
import time
from collections.abc import Iterator
from hashlib import md5, sha256
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import override_settings
from pulpcore.plugin.models import Artifact, ContentArtifact, RemoteArtifact

from pulp_conda.app.channels.intake.unit_fields import FileDigests
from pulp_conda.app.channels.storage.fetched_files import save_fetched, store_fetched
from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.channels.transfer.spool import (
    CHECKED_FIRST_BYTES,
    HELD_BACK_BYTES,
    DiskFailed,
    Spool,
    new_name,
)
from pulp_conda.app.channels.transfer.wanted import WantedFile
from pulp_conda.app.content.fetch.leftovers import remove_old_spools
from pulp_conda.app.content.fetch.origins import stored
from pulp_conda.app.models import CondaRemote
from tests.mirrored_rows import save_package

_LARGE = os.urandom(CHECKED_FIRST_BYTES + HELD_BACK_BYTES)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of the spools."""
    with override_settings(WORKING_DIRECTORY=str(tmp_path)):
        yield tmp_path / "conda-fetch"


def wanted(body: bytes, size: int | None = None) -> WantedFile:
    """Describe a file."""
    return WantedFile(
        uuid4(), "noarch/far-1.0-0.conda", size or len(body), sha256(body).hexdigest(), ()
    )


def filled(body: bytes, file: WantedFile) -> Spool:
    """Return a spool with bytes of a file."""
    spool = Spool.create(new_name(), file)
    asyncio.run(spool.append(body))
    return spool


def test_the_last_bytes_are_held_back_until_the_digest_is_right() -> None:
    file = wanted(_LARGE)
    spool = filled(_LARGE[:-1], file)
    assert spool.readable == len(_LARGE) - HELD_BACK_BYTES
    with pytest.raises(FetchFailed):
        spool.check()
    asyncio.run(spool.append(_LARGE[-1:]))
    assert spool.readable == len(_LARGE) - HELD_BACK_BYTES
    spool.check()
    assert spool.readable == len(_LARGE)


def test_a_small_file_and_one_of_unknown_size_are_checked_first() -> None:
    small = b"x" * CHECKED_FIRST_BYTES
    assert filled(small, wanted(small)).readable == 0
    unknown = WantedFile(uuid4(), "noarch/far-1.0-0.conda", None, md5(_LARGE).hexdigest(), ())
    spool = filled(_LARGE, unknown)
    assert spool.readable == 0
    spool.check()
    assert spool.readable == len(_LARGE)


def test_a_failure_names_both_digests() -> None:
    spool = filled(b"other", wanted(b"right"))
    with pytest.raises(FetchFailed) as told:
        spool.check()
    for body in (b"other", b"right"):
        assert sha256(body).hexdigest() in str(told.value)


def test_no_byte_more_than_the_record_says_is_taken(folder: Path) -> None:
    spool = filled(b"whole", wanted(b"whole"))
    with pytest.raises(FetchFailed):
        asyncio.run(spool.append(b"!"))
    assert spool.path.read_bytes() == b"whole"


def test_a_reader_follows_and_takes_over_when_the_writer_is_gone() -> None:
    file = wanted(b"abcdef")
    writer = filled(b"abc", file)
    reader = Spool.find(writer.path.name, file)
    assert reader is not None
    assert asyncio.run(reader.catch_up())
    assert not asyncio.run(reader.catch_up())
    assert not reader.lock()
    writer.close()
    assert reader.lock()
    asyncio.run(reader.append(b"def"))
    reader.check()
    assert asyncio.run(reader.read(1, 4)) == b"bcde"


def test_a_reader_leaves_a_writer_that_is_too_slow() -> None:
    file = wanted(b"abcdef")
    writer = filled(b"abc", file)
    reader = Spool.find(writer.path.name, file)
    assert reader is not None
    asyncio.run(reader.catch_up())
    reader.move(new_name())
    asyncio.run(writer.append(b"???"))
    asyncio.run(reader.append(b"def"))
    reader.check()
    assert reader.path.read_bytes() == b"abcdef"
    assert Spool.find(reader.path.name, file) is not None


def test_a_full_disk_is_noticed_before_anything_is_fetched(folder: Path) -> None:
    with override_settings(CONDA_DISK_RESERVE_BYTES=2**60), pytest.raises(DiskFailed):
        Spool.create(new_name(), wanted(b"file"))
    assert list(folder.iterdir()) == []


def test_only_old_spools_without_a_writer_are_removed(folder: Path) -> None:
    file = wanted(b"abc")
    young, written, old = (filled(b"a", file) for _ in range(3))
    young.close()
    old.close()
    long_ago = time.time() - 4000
    for spool in (written, old):
        os.utime(spool.path, (long_ago, long_ago))
    remove_old_spools()
    assert set(folder.iterdir()) == {young.path, written.path}


def test_a_fetched_file_becomes_the_artifact_of_its_package() -> None:
    body = os.urandom(1000)
    digest = sha256(body).hexdigest()
    package = save_package("far-1.0-0.conda", FileDigests(digest, "", "", len(body)))
    remote = CondaRemote.objects.create(name="upstream", url="https://upstream.example.org")
    url = "https://upstream.example.org/noarch/far-1.0-0.conda"
    for _ in range(2):  # another process may fetch it at the same time
        spool = filled(body, wanted(body))
        file = store_fetched(spool.path, spool.sha256)
        save_fetched(file, package.pk, package.relative_path, remote.pk, url)
    place = ContentArtifact.objects.get(content=package)
    assert place.artifact == Artifact.objects.get(sha256=digest)
    assert stored(package.pk) == (place.artifact.file.name, 1000)
    origin = RemoteArtifact.objects.get(content_artifact=place)
    assert (origin.url, origin.sha256, origin.size) == (url, digest, 1000)
    with place.artifact.file.open() as kept:
        assert kept.read() == body
