"""The reasons for which a package is refused, one class each, worded for the packager.

The caller decides what a refusal means to its client (a status, a task's error code); nothing here
knows. Every class says its kind with ``code``, keeps the offending values in typed fields and
builds its one sentence in ``InvalidPackage.__str__``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

# A name inside a package may be 4 KiB of control characters; a message is read by people and logs.
MAX_SHOWN_CHARACTERS = 100


def quoted(value: str) -> str:
    """Return untrusted text as a short quoted literal in which nothing unprintable is left."""
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
        # Python refuses to print numbers of more than 4,300 digits.
        return f"{value:,}" if abs(value) < 2**64 else "a number beyond 64 bits"
    return quoted(repr(value)[:MAX_SHOWN_CHARACTERS])


class TrustedText(str):
    """Words of our own inside a sentence, printed as they are; all other text is quoted."""

    __slots__ = ()


@dataclass(eq=False)
class InvalidPackage(ValueError):
    """A package that breaks a rule of the conda formats or a limit of this server.

    ``code`` is stable and meant for machines, ``str()`` is one sentence for people. Instances can
    be pickled, as tasks hand them between processes.
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
    """A name that does not follow its grammar; the subclass says which kind of name."""

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
    """The package costs more than this server allows; it may well be valid elsewhere."""

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
    """The archive unpacks to more than allowed for a file of its size (a bomb)."""

    code = "expands-too-far"
    sentence = (
        "the package of {size_bytes} bytes unpacks to more than the {limit_bytes} bytes allowed"
    )

    size_bytes: int
    limit_bytes: int


@dataclass(eq=False)
class TooManyMembers(LimitExceeded):
    """The archive holds more files and directories than allowed."""

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
    """The content is not what the extension promises."""

    code = "lying-extension"
    sentence = "the file is named {extension} but its content is {found}"

    extension: TrustedText
    found: TrustedText


@dataclass(eq=False)
class CorruptArchive(InvalidPackage):
    """Compressed data, a checksum or a header that cannot be read."""

    code = "corrupt-archive"
    sentence = "{part} is corrupt: {reason}"

    part: TrustedText
    reason: TrustedText


@dataclass(eq=False)
class TruncatedArchive(InvalidPackage):
    """Data that ends before it should, as after an interrupted transfer."""

    code = "truncated-archive"
    sentence = "{part} is truncated"

    part: TrustedText


@dataclass(eq=False)
class TrailingData(InvalidPackage):
    """Bytes before, between or after what the archive accounts for."""

    code = "trailing-data"
    sentence = "{part} holds data {where}"

    part: TrustedText
    where: TrustedText


@dataclass(eq=False)
class BadZipMember(InvalidPackage):
    """A member that the outer zip of a ``.conda`` file may not have, or not in this form."""

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
    """``metadata.json`` declares another version of the ``.conda`` format than 2."""

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
    """A tar member that no package may hold; base of the refusals about one member."""

    code = "bad-member"
    sentence = "the member {member} is refused: {reason}"

    member: str
    reason: TrustedText


class UnsafePath(BadMember):
    """A path that leaves the package or means different things on different systems."""

    code = "unsafe-path"
    sentence = "the path {member} is unsafe: {reason}"


class SpecialFile(BadMember):
    """A device, pipe, sparse file or other type that packages cannot hold."""

    code = "special-file"
    sentence = "the member {member} is neither file, directory nor link: {reason}"


class DuplicateMember(BadMember):
    """Two members for one path, or one path that is file and directory at once."""

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
    """A metadata document that every package must hold."""

    code = "missing-document"
    sentence = "the package holds no {member}"

    member: str


@dataclass(eq=False)
class InvalidJson(InvalidPackage):
    """A metadata document that is no acceptable JSON."""

    code = "invalid-json"
    sentence = "{member} is not acceptable JSON: {reason}"

    member: str
    reason: TrustedText


@dataclass(eq=False)
class InvalidField(InvalidPackage):
    """A field of a metadata document that is missing or has a value it may not have."""

    code = "invalid-field"
    sentence = "in {member} the field {field} is refused: {reason}"

    member: str
    field: str
    reason: TrustedText


@dataclass(eq=False)
class InvalidDependency(InvalidPackage):
    """A dependency that is no MatchSpec (CEP 29)."""

    code = "invalid-dependency"
    sentence = "in {member} the field {field} holds {spec}, which no client understands: {reason}"

    member: str
    field: str
    spec: str
    reason: TrustedText


@dataclass(eq=False)
class MissingFile(InvalidPackage):
    """A path that ``info/paths.json`` promises and the archive does not hold."""

    code = "missing-file"
    sentence = "info/paths.json lists {path}, which the package does not hold"

    path: str
