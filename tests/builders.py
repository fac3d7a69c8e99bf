"""Build small conda packages: valid ones, and ones with exactly one fault."""

import bz2
import hashlib
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Iterable
from typing import Any, Self

import zstandard

_EPOCH = (1980, 1, 1, 0, 0, 0)


def tar_of(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """Return an uncompressed tar of the members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(path: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Return a tar member; `fields` set attributes of its TarInfo, such as type or linkname."""
    info = tarfile.TarInfo(path)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def zstd(data: bytes) -> bytes:
    """Return data as one zstd frame."""
    return zstandard.ZstdCompressor(level=3).compress(data)


class PackageBuilder:
    """A package in the making; `conda()` and `tar_bz2()` give its bytes, the same every time."""

    def __init__(self, name: str = "demo", version: str = "1.0", build: str = "0") -> None:
        self.index: dict[str, Any] = {
            "name": name,
            "version": version,
            "build": build,
            "build_number": 0,
            "depends": [],
            "subdir": "noarch",
            "noarch": "generic",
        }
        self.documents: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.info_members: list[tuple[tarfile.TarInfo, bytes]] = []
        self.payload_members: list[tuple[tarfile.TarInfo, bytes]] = []
        self.payload_first = False
        self.prefix = ""

    # What a package says -------------------------------------------------------------------

    def subdir(self, subdir: str) -> Self:
        """Make it a package for a platform."""
        self.index["subdir"] = subdir
        if subdir != "noarch":
            self.index.pop("noarch", None)
        return self

    def depends(self, *specs: str) -> Self:
        """Set what it requires."""
        self.index["depends"] = list(specs)
        return self

    def with_index(self, **fields: Any) -> Self:
        """Set fields of info/index.json."""
        self.index.update(fields)
        return self

    def without_index(self, *fields: str) -> Self:
        """Leave fields of info/index.json out."""
        for field in fields:
            del self.index[field]
        return self

    def about(self, **fields: Any) -> Self:
        """Give it an info/about.json."""
        return self.document("about.json", json.dumps(fields).encode())

    def document(self, name: str, content: bytes) -> Self:
        """Put a document of any content below info/."""
        self.documents[name] = content
        return self

    def file(self, path: str, content: bytes = b"content\n") -> Self:
        """Add a file to the payload."""
        self.files[path] = content
        return self

    def payload(self, size: int) -> Self:
        """Add a file of incompressible bytes."""
        name = f"{self.index['name']}-{self.index['version']}"
        return self.file(f"share/{name}.bin", random.Random(name).randbytes(size))

    # What can be spoilt ----------------------------------------------------------------------

    def info_member(self, path: str, content: bytes = b"", **fields: Any) -> Self:
        """Add a tar member after the info documents."""
        self.info_members.append(member(path, content, **fields))
        return self

    def payload_member(self, path: str, content: bytes = b"", **fields: Any) -> Self:
        """Add a tar member after the payload's files."""
        self.payload_members.append(member(path, content, **fields))
        return self

    # The bytes -------------------------------------------------------------------------------

    @property
    def stem(self) -> str:
        """name-version-build."""
        return f"{self.index['name']}-{self.index['version']}-{self.index['build']}"

    @property
    def filename(self) -> str:
        """The name of the .conda file."""
        return f"{self.stem}.conda"

    def info_tar(self) -> bytes:
        """The info half, uncompressed."""
        return tar_of(self._info())

    def payload_tar(self) -> bytes:
        """The payload half, uncompressed."""
        return tar_of(self._payload())

    def zip_members(self) -> list[tuple[str, bytes]]:
        """The members of the outer zip."""
        return [
            ("metadata.json", b'{"conda_pkg_format_version": 2}'),
            (f"pkg-{self.stem}.tar.zst", zstd(self.payload_tar())),
            (f"info-{self.stem}.tar.zst", zstd(self.info_tar())),
        ]

    def conda(self) -> bytes:
        """The package as .conda."""
        return zip_of(self.zip_members())

    def tar_bz2(self) -> bytes:
        """The package as .tar.bz2."""
        halves = [self._info(), self._payload()]
        if self.payload_first:
            halves.reverse()
        return bz2.compress(tar_of(member for half in halves for member in half))

    def _info(self) -> list[tuple[tarfile.TarInfo, bytes]]:
        documents = {
            "index.json": json.dumps(self.index).encode(),
            "paths.json": json.dumps({"paths_version": 1, "paths": self._paths()}).encode(),
            **self.documents,
        }
        members = [
            member(f"{self.prefix}info/{name}", content) for name, content in documents.items()
        ]
        return members + self.info_members

    def _payload(self) -> list[tuple[tarfile.TarInfo, bytes]]:
        members = [member(self.prefix + path, content) for path, content in self.files.items()]
        return members + self.payload_members

    def _paths(self) -> list[dict[str, Any]]:
        return [
            {
                "_path": path,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_in_bytes": len(content),
            }
            for path, content in self.files.items()
        ]


def zip_of(members: Iterable[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip of the members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, compression)
    return buffer.getvalue()
