"""Names of packages, versions, builds, subdirs, channels, owners and files (CEP 26, CEP 33).

Each ``check_*`` is strict, for uploads, and raises its own ``InvalidIdentifier``. Mirrors meet
older names, and use ``PackageFilename.parse``, which only splits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

import rattler

from pulp_conda.formats.errors import (
    InvalidBuild,
    InvalidChannel,
    InvalidFilename,
    InvalidIdentifier,
    InvalidLabel,
    InvalidName,
    InvalidOwner,
    InvalidSubdir,
    InvalidVersion,
    TrustedText,
)
from pulp_conda.formats.parsers import parse_fault

Extension = Literal["conda", "tar.bz2"]
EXTENSIONS: Final[tuple[Extension, ...]] = get_args(Extension)

MAX_NAME = 64
MAX_VERSION = 64
MAX_BUILD = 64
MAX_SUBDIR = 32
MAX_CHANNEL = 128
MAX_LABEL = 128
MAX_OWNER = 64
MAX_FILENAME = 211

# The expression of CEP 26, without the doubled separator `_-`, which the text of CEP 26 forbids.
_NAME = re.compile(r"_|_?[a-z0-9]+(?:[._-][a-z0-9]+)*[._-]?")
_VERSION = re.compile(r"[0-9a-z._+!]+")
_BUILD = re.compile(r"[a-zA-Z0-9_.+]+")
_SUBDIR = re.compile(r"noarch|[a-z0-9]+-[a-z0-9]+")
_CHANNEL = re.compile(r"[A-Za-z0-9_.+-]+(?:/[A-Za-z0-9_.+-]+)*")
_LABEL = re.compile(r"[a-zA-Z][0-9a-zA-Z_\-./]*")
_OWNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

_TIMESTAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)

TOKEN_SEGMENT: Final = "t"  # noqa: S105 (the segment before a token, not a token)
"""The segment of a URL before an access token, as conda writes it."""

# All subdirs that conda or rattler know.
KNOWN_SUBDIRS: Final[frozenset[str]] = frozenset(
    """
    noarch
    linux-32 linux-64 linux-aarch64 linux-armv6l linux-armv7l linux-loongarch64 linux-ppc
    linux-ppc64 linux-ppc64le linux-riscv32 linux-riscv64 linux-s390x
    osx-64 osx-arm64 ios-arm64 iossimulator-64 iossimulator-arm64
    win-32 win-64 win-arm64
    android-32 android-64 android-aarch64 android-armv7a
    freebsd-32 freebsd-64 freebsd-arm64 freebsd-ppc64 freebsd-ppc64le
    emscripten-wasm32 emscripten-wasm64 wasi-wasm32 zos-z
    """.split()
)


def extension_of(filename: str) -> Extension | None:
    """Return the package extension that ``filename`` ends with, None if it has none."""
    return next(
        (e for e in EXTENSIONS if filename.removesuffix(f".{e}") not in (filename, "")), None
    )


def check_extension(filename: str) -> Extension:
    """Return the package extension that ``filename`` ends with. Raises InvalidFilename."""
    extension = extension_of(filename)
    if extension is None:
        raise InvalidFilename(filename, TrustedText("it must end in .conda or .tar.bz2"))
    return extension


def check_name(value: str) -> str:
    """Return ``value`` if it is a package name that may be uploaded (CEP 26).

    Raises InvalidName, also for virtual packages (``__glibc``), which exist on clients only.
    """
    if value.startswith("__"):
        raise InvalidName(value, TrustedText("names that start with __ belong to virtual packages"))
    return _checked(
        InvalidName,
        value,
        _NAME,
        MAX_NAME,
        "lower-case letters, digits and single '-', '.' or '_' between them are allowed",
    )


def check_version(value: str) -> str:
    """Return ``value`` if it is a version (CEP 26, CEP 33). Raises InvalidVersion."""
    _checked(
        InvalidVersion,
        value,
        _VERSION,
        MAX_VERSION,
        "lower-case letters, digits, '.', '_', '+' and '!' are allowed",
    )
    if parse_fault(rattler.Version, value) is not None:
        raise InvalidVersion(value, TrustedText("it cannot be parsed as a conda version"))
    return value


def check_build(value: str) -> str:
    """Return ``value`` if it is a build string (CEP 26). Raises InvalidBuild."""
    return _checked(
        InvalidBuild, value, _BUILD, MAX_BUILD, "letters, digits, '_', '.' and '+' are allowed"
    )


def check_subdir(value: str) -> str:
    """Return ``value`` if it is a subdir, known or not (CEP 26). Raises InvalidSubdir."""
    return _checked(
        InvalidSubdir,
        value,
        _SUBDIR,
        MAX_SUBDIR,
        "it must be 'noarch' or of the form platform-architecture",
    )


def check_channel(value: str) -> str:
    """Return ``value`` if it is a channel path of one or more segments. Raises InvalidChannel.

    Names that have another meaning in URLs of channels are refused too: a first segment ``t``
    precedes an access token, the name of a platform as last segment is a subdir, and a time is a
    checkpoint.
    """
    _checked(
        InvalidChannel,
        value,
        _CHANNEL,
        MAX_CHANNEL,
        "each part takes letters, digits, '_', '.', '+' and '-'",
    )
    segments = value.split("/")
    if any(not segment.strip(".") for segment in segments):
        raise InvalidChannel(value, TrustedText("a part must not consist of dots"))
    if segments[0] == TOKEN_SEGMENT:
        raise InvalidChannel(value, TrustedText("in URLs, t precedes an access token"))
    if segments[-1] in KNOWN_SUBDIRS:
        raise InvalidChannel(value, TrustedText("its last part is the name of a subdir"))
    if any(is_timestamp(segment) for segment in segments):
        raise InvalidChannel(value, TrustedText("a part has the form of a checkpoint's time"))
    return value


def is_timestamp(segment: str = "") -> bool:
    """Return whether a segment of a path is the time of a checkpoint, as no channel's name is."""
    return _TIMESTAMP.fullmatch(segment) is not None


def check_label(value: str) -> str:
    """Return ``value`` if it is a label of a channel (CEP 26). Raises InvalidLabel."""
    if value == "nolabel":
        raise InvalidLabel(value, TrustedText("the word is reserved"))
    return _checked(
        InvalidLabel,
        value,
        _LABEL,
        MAX_LABEL,
        "a letter, then letters, digits, '_', '-', '.' and '/' are allowed",
    )


def check_owner(value: str) -> str:
    """Return ``value`` if it can name an owner, one URL segment. Raises InvalidOwner."""
    return _checked(
        InvalidOwner,
        value,
        _OWNER,
        MAX_OWNER,
        "letters, digits, '_', '.' and '-' are allowed, starting with none of '.-'",
    )


def _checked(
    error: type[InvalidIdentifier], value: str, grammar: re.Pattern[str], longest: int, rule: str
) -> str:
    if len(value) > longest:
        raise error(value, TrustedText(f"it has more than {longest} characters"))
    if not grammar.fullmatch(value):
        raise error(value, TrustedText(rule if value else "it is empty"))
    return value


@dataclass(frozen=True, slots=True, order=True)
class PackageFilename:
    """``name-version-build.extension`` in its parts; ``str()`` joins them.

    The constructor and ``parse`` do not check the grammars of the parts; ``check`` does.
    """

    name: str
    version: str
    build: str
    extension: Extension

    @classmethod
    def parse(cls, text: str) -> PackageFilename:
        """Split a file name from the right, because a name may contain dashes.

        Raises InvalidFilename if the extension is unknown, if there are not three parts that are
        not empty, or if the text contains a slash or a control character.
        """
        extension = check_extension(text)
        if "/" in text or "\\" in text or not text.isprintable():
            raise InvalidFilename(text, TrustedText("it holds a slash or an unprintable character"))
        parts = text[: -len(extension) - 1].rsplit("-", 2)
        if len(parts) != 3 or not all(parts):
            raise InvalidFilename(text, TrustedText("it must be of the form name-version-build"))
        name, version, build = parts
        return cls(name, version, build, extension)

    @property
    def stem(self) -> str:
        """``name-version-build``, which is also part of the member names of a ``.conda`` file."""
        return f"{self.name}-{self.version}-{self.build}"

    def __str__(self) -> str:
        return f"{self.stem}.{self.extension}"

    def check(self) -> None:
        """Raise InvalidIdentifier for the first part that does not follow its grammar (CEP 26)."""
        check_name(self.name)
        check_version(self.version)
        check_build(self.build)
        if len(str(self)) > MAX_FILENAME:
            raise InvalidFilename(
                str(self), TrustedText(f"it has more than {MAX_FILENAME} characters")
            )
