"""The synthetic channels of the benchmarks are reproducible, and valid for clients."""

from statistics import mean

from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.index_json import check_index
from tests.benchmark.synthetic import packages


def test_they_are_the_same_every_time() -> None:
    assert list(packages(300, seed=7)) == list(packages(300, seed=7))
    assert list(packages(300, seed=7)) != list(packages(300, seed=8))


def test_they_are_valid_packages() -> None:
    made = list(packages(3000))
    names = {package.record["name"] for package in made}
    assert len({(package.record["subdir"], package.filename) for package in made}) == 3000
    for package in made:
        check_index(package.record, now=1.8e9)
        parts = PackageFilename.parse(package.filename)
        assert parts.name == package.record["name"]
        assert {spec.split()[0] for spec in package.record["depends"]} <= names
    assert {package.record["subdir"] for package in made} == {"linux-64", "noarch"}
    assert {package.extension for package in made} == {"conda", "tar.bz2"}
    assert 420 < mean(len(package.record_json) for package in made) < 520
