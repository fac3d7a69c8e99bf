"""The reasons for refusing a package: one class for each, with a message for the packager.

The caller decides how a client is told (a status, a task's error code). Every class has a stable
``code``, typed fields with the offending values, and one sentence, which
``InvalidPackage.__str__`` fills in.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

# A name in a package may be 4 KiB of control characters, and messages appear in terminals and logs.
MAX_SHOWN_CHARACTERS = 100


def quoted(value: str) -> str:
    """Return untrusted text as a short quoted literal, with unprintable characters escaped."""
    cut = value[:MAX_SHOWN_CHARACTERS]
    shown = ascii(cut)
    if len(shown) > MAX_SHOWN_CHARACTERS + 2:
        shown = shown[:MAX_SHOWN_CHARACTERS] + shown[0]
    return shown if len(value) == len(cut) else shown + "..."


def _shown(value: Any) -> str:
    if isinstance(value, TrustedText):
        return quoted(value)[1:-1] if not value.isprintable() else value[:MAX_SHOWN_CHARACTERS]
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int):
        # Python raises ValueError for numbers of more than 4,300 digits.
        return f"{value:,}" if abs(value) < 2**64 else "a number beyond 64 bits"
    return quoted(repr(value)[:MAX_SHOWN_CHARACTERS])


class TrustedText(str):
    """Text of this package inside a message. It is not quoted; all other text is."""

    __slots__ = ()


@dataclass(eq=False)
class InvalidPackage(ValueError):
    """A package that breaks a rule of conda's formats or a limit of this server.

    ``code`` is stable and meant for programs; ``str()`` is one sentence for people. Instances can
    be pickled, because tasks pass them between processes.
    """

    code: ClassVar[str] = "invalid-package"
    sentence: ClassVar[str] = "the package is invalid"

    def __str__(self) -> str:
        return self.sentence.format(**{f.name: _shown(getattr(self, f.name)) for f in fields(self)})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, f.name) for f in fields(self))


# Identifiers (CEP 26, CEP 33) ---------------------------------------------------------------


@dataclass(eq=False)
class InvalidIdentifier(InvalidPackage):
    """A name that does not follow its grammar. The subclass says which kind of name."""

    code = "invalid-identifier"
    sentence = "the identifier {value} is invalid: {reason}"

    value: str
    reason: TrustedText


class InvalidName(InvalidIdentifier):
    """A package name outside the grammar of CEP 26."""

    code = "invalid-name"
    sentence = "the package name {value} is invalid: {reason}"


class InvalidVersion(InvalidIdentifier):
    """A version outside the grammar of CEP 26 and CEP 33."""

    code = "invalid-version"
    sentence = "the package version {value} is invalid: {reason}"


class InvalidBuild(InvalidIdentifier):
    """A build string outside the grammar of CEP 26."""

    code = "invalid-build"
    sentence = "the build string {value} is invalid: {reason}"


class InvalidSubdir(InvalidIdentifier):
    """A subdir outside the grammar of CEP 26."""

    code = "invalid-subdir"
    sentence = "the subdir {value} is invalid: {reason}"


class InvalidChannel(InvalidIdentifier):
    """A channel path outside the grammar of CEP 26."""

    code = "invalid-channel"
    sentence = "the channel {value} is invalid: {reason}"


class InvalidLabel(InvalidIdentifier):
    """A label outside the grammar of CEP 26."""

    code = "invalid-label"
    sentence = "the label {value} is invalid: {reason}"


class InvalidOwner(InvalidIdentifier):
    """An owner that cannot be one segment of a URL."""

    code = "invalid-owner"
    sentence = "the owner {value} is invalid: {reason}"


class InvalidFilename(InvalidIdentifier):
    """A file name that is not ``name-version-build.extension``."""

    code = "invalid-filename"
    sentence = "the file name {value} is invalid: {reason}"


# Limits -------------------------------------------------------------------------------------


class LimitExceeded(InvalidPackage):
    """The package exceeds a limit of this server. It may be valid on other servers."""

    code = "limit-exceeded"


@dataclass(eq=False)
class PackageTooLarge(LimitExceeded):
    """The file itself is larger than allowed."""

    code = "package-too-large"
    sentence = "the package has {size_bytes} bytes, more than the {limit_bytes} allowed"

    size_bytes: int
    limit_bytes: int


@dataclass(eq=False)
class ExpandsTooFar(LimitExceeded):
    """The archive unpacks to more bytes than allowed for a file of its size (a bomb)."""

    code = "expands-too-far"
    sentence = (
        "the package of {size_bytes} bytes unpacks to more than the {limit_bytes} bytes allowed"
    )

    size_bytes: int
    limit_bytes: int


@dataclass(eq=False)
class TooManyMembers(LimitExceeded):
    """The archive has more files and directories than allowed."""

    code = "too-many-members"
    sentence = "the package holds more than the {limit} {counted} allowed"

    limit: int
    counted: TrustedText


@dataclass(eq=False)
class DocumentTooLarge(LimitExceeded):
    """One metadata document or header inside the archive is larger than allowed."""

    code = "document-too-large"
    sentence = "{member} has {size_bytes} bytes, more than the {limit_bytes} allowed"

    member: str
    size_bytes: int
    limit_bytes: int


@dataclass(eq=False)
class TooSlow(LimitExceeded):
    """Reading the package takes more processor time than allowed."""

    code = "too-slow"
    sentence = "reading the package takes more than the {limit_seconds} s of processor time allowed"

    limit_seconds: int


# The archive itself (CEP 35) ----------------------------------------------------------------


@dataclass(eq=False)
class LyingExtension(InvalidPackage):
    """The content does not have the format of the file's extension."""

    code = "lying-extension"
    sentence = "the file is named {extension} but its content is {found}"

    extension: TrustedText
    found: TrustedText


@dataclass(eq=False)
class CorruptArchive(InvalidPackage):
    """Compressed data or a header that cannot be read, or a wrong checksum."""

    code = "corrupt-archive"
    sentence = "{part} is corrupt: {reason}"

    part: TrustedText
    reason: TrustedText


@dataclass(eq=False)
class TruncatedArchive(InvalidPackage):
    """Data that ends too early, for instance after an interrupted transfer."""

    code = "truncated-archive"
    sentence = "{part} is truncated"

    part: TrustedText


@dataclass(eq=False)
class TrailingData(InvalidPackage):
    """Bytes before, between or after the parts of an archive."""

    code = "trailing-data"
    sentence = "{part} holds data {where}"

    part: TrustedText
    where: TrustedText


@dataclass(eq=False)
class BadZipMember(InvalidPackage):
    """A member that is not allowed in the outer zip of a ``.conda`` file."""

    code = "bad-zip-member"
    sentence = "the zip member {member} is refused: {reason}"

    member: str
    reason: TrustedText


@dataclass(eq=False)
class MissingZipMember(InvalidPackage):
    """A ``.conda`` file without one of its three members."""

    code = "missing-zip-member"
    sentence = "the zip holds no member {member}"

    member: str


@dataclass(eq=False)
class UnsupportedFormatVersion(InvalidPackage):
    """``metadata.json`` declares a version of the ``.conda`` format other than 2."""

    code = "unsupported-format-version"
    sentence = "metadata.json declares conda_pkg_format_version {version}, only 2 is supported"

    version: Any


@dataclass(eq=False)
class WrongInnerName(InvalidPackage):
    """A zip member whose name disagrees with ``info/index.json``."""

    code = "wrong-inner-name"
    sentence = "the zip member {member} must be named {expected}, after info/index.json"

    member: str
    expected: str


# The tree inside ----------------------------------------------------------------------------


@dataclass(eq=False)
class BadMember(InvalidPackage):
    """A tar member that is not allowed in a package; base class of errors about one member."""

    code = "bad-member"
    sentence = "the member {member} is refused: {reason}"

    member: str
    reason: TrustedText


class UnsafePath(BadMember):
    """A path that leads out of the package, or that systems interpret differently."""

    code = "unsafe-path"
    sentence = "the path {member} is unsafe: {reason}"


class SpecialFile(BadMember):
    """A device, pipe, sparse file or other type that is not allowed in packages."""

    code = "special-file"
    sentence = "the member {member} is neither file, directory nor link: {reason}"


class DuplicateMember(BadMember):
    """Two members with one path, or a path that is both a file and a directory."""

    code = "duplicate-member"
    sentence = "the path {member} occurs more than once: {reason}"


class MisplacedMember(BadMember):
    """A member in the wrong half of a ``.conda`` file, or one that only clients may write."""

    code = "misplaced-member"


@dataclass(eq=False)
class UnsafeLink(InvalidPackage):
    """A symbolic or hard link that leads out of the package."""

    code = "unsafe-link"
    sentence = "the link {member} to {target} is unsafe: {reason}"

    member: str
    target: str
    reason: TrustedText


# Metadata (CEP 34) --------------------------------------------------------------------------


@dataclass(eq=False)
class MissingDocument(InvalidPackage):
    """A package without a metadata document that is required."""

    code = "missing-document"
    sentence = "the package holds no {member}"

    member: str


@dataclass(eq=False)
class InvalidJson(InvalidPackage):
    """A metadata document that is not acceptable JSON."""

    code = "invalid-json"
    sentence = "{member} is not acceptable JSON: {reason}"

    member: str
    reason: TrustedText


@dataclass(eq=False)
class InvalidField(InvalidPackage):
    """A field of a metadata document that is missing or has a value that is not allowed."""

    code = "invalid-field"
    sentence = "in {member} the field {field} is refused: {reason}"

    member: str
    field: str
    reason: TrustedText


@dataclass(eq=False)
class InvalidDependency(InvalidPackage):
    """A dependency that is not a MatchSpec (CEP 29)."""

    code = "invalid-dependency"
    sentence = "in {member} the field {field} holds {spec}, which no client understands: {reason}"

    member: str
    field: str
    spec: str
    reason: TrustedText


@dataclass(eq=False)
class MissingFile(InvalidPackage):
    """A path that ``info/paths.json`` lists and the archive does not have."""

    code = "missing-file"
    sentence = "info/paths.json lists {path}, which the package does not hold"

    path: str
