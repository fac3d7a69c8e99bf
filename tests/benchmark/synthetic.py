"""Packages of a made-up channel of any size, the same every time.

They resemble conda-forge's: half of them for every platform and half for one, many versions of few
names and few of many, about eight dependencies on names that exist, some 470 bytes a record.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulp_conda.formats.records import canonical_json, record_digest

_NAMES = 20_000
_PACKAGES_PER_NAME = 5  # at least, where there are enough packages
_SUBDIRS = ("linux-64", "noarch")
_FIRST_DAY = 1_500_000_000_000
_DAY = 86_400_000
_LICENSES = ("MIT", "BSD-3-Clause", "Apache-2.0", "GPL-3.0-or-later", "LGPL-2.1-only", "PSF-2.0")
_FAMILIES = ("MIT", "BSD", "APACHE", "GPL", "LGPL", "PSF")
_SYLLABLES = "py lib conda num sci data tool net geo bio graph text core fast micro".split()


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A package that exists only as its record and the fields of its unit."""

    filename: str
    record: dict[str, Any]
    about: dict[str, Any]
    run_exports: dict[str, Any]

    @property
    def record_json(self) -> str:
        """The record as it is stored."""
        return canonical_json(self.record).decode()

    @property
    def digest(self) -> str:
        """The record's digest."""
        return record_digest(self.record)

    @property
    def extension(self) -> str:
        """The extension of the file."""
        return "conda" if self.filename.endswith(".conda") else "tar.bz2"


def packages(count: int, *, seed: int = 1, names: int | None = None) -> Iterator[Synthetic]:
    """Yield packages, no two of one path; up to 20,000 names unless told otherwise."""
    chance = random.Random(seed)
    names = names or max(1, min(_NAMES, count // _PACKAGES_PER_NAME))
    for number in range(count):
        # Each name once, then some names more often than others: a thousand times the most.
        place = number if number < names else int(names * chance.random() ** 1.5)
        yield _package(chance, number, place, names)


def name_of(place: int) -> str:
    """Return the name that stands at a place among all names."""
    first, second = divmod(place, len(_SYLLABLES))
    return f"{_SYLLABLES[second]}-{_SYLLABLES[first % len(_SYLLABLES)]}{place}"


def _package(chance: random.Random, number: int, place: int, names: int) -> Synthetic:
    name = name_of(place)
    subdir = _SUBDIRS[place % 10 > 5 if place % 4 else number % 2]
    version = f"{number % 7}.{number // 7 % 40}.{number // 280}"
    build_number = chance.choice((0, 0, 0, 1, 2))
    build = f"pyhd8ed1ab_{build_number}" if subdir == "noarch" else f"h{number:07x}_{build_number}"
    extension = ".tar.bz2" if number % 5 == 0 else ".conda"
    digest = hashlib.sha256(f"{name}-{version}-{build}{extension}".encode()).hexdigest()
    licence = place % len(_LICENSES)
    record: dict[str, Any] = {
        "build": build,
        "build_number": build_number,
        "depends": [_dependency(chance, names) for _ in range(chance.randint(5, 11))],
        "license": _LICENSES[licence],
        "license_family": _FAMILIES[licence],
        "md5": digest[:32],
        "name": name,
        "sha256": digest,
        "size": int(chance.lognormvariate(11, 2)) + 1000,
        "subdir": subdir,
        "timestamp": _FIRST_DAY + number % 3000 * _DAY + number,
        "version": version,
    }
    if subdir == "noarch":
        record["noarch"] = "python"
    if number % 12 == 0:
        record["constrains"] = [_dependency(chance, names)]
    pin = {"weak": [f"{name} >={version},<{number % 7 + 1}.0a0"]} if place % 10 == 0 else {}
    return Synthetic(f"{name}-{version}-{build}{extension}", record, _about(name, place), pin)


def _dependency(chance: random.Random, names: int) -> str:
    name = name_of(int(names * chance.random() ** 4))
    match chance.randrange(4):
        case 0:
            return name
        case 1:
            return f"{name} >={chance.randrange(7)}.{chance.randrange(40)}"
        case 2:
            major = chance.randrange(7)
            return f"{name} >={major}.{chance.randrange(40)}.0,<{major + 1}.0a0"
        case _:
            return f"{name} {chance.randrange(7)}.*"


def _about(name: str, place: int) -> dict[str, Any]:
    if place % 3:
        return {}
    return {
        "home": f"https://example.org/{name}",
        "summary": f"Reads, writes and checks what {name} is for",
        "license": _LICENSES[place % len(_LICENSES)],
    }
