"""Each kind of fault that the check of files finds."""

import pytest

from pulp_conda.app.channels.upkeep.check_files import (
    MISSING,
    OTHER_BYTES,
    OTHER_SIZE,
    check_packages,
    packages_of,
)
from pulp_conda.app.models import CondaPackage, CondaPublication, CondaRepository
from pulp_conda.app.tasks import check_files
from tests.database import stored
from tests.database.factories import changed


def problem(publication: CondaPublication, *, checksums: bool = True) -> str | None:
    """Return what the check of files finds of the package."""
    (found,) = check_packages(packages_of(publication.repository_version), checksums=checksums)
    return found.problem if found else None


def test_a_whole_file_has_no_fault(published: CondaPublication) -> None:
    assert problem(published) is None
    assert problem(published, checksums=False) is None


@pytest.mark.parametrize("checksums", [True, False])
def test_a_file_that_is_gone_is_missing(
    published: CondaPublication, package: CondaPackage, checksums: bool
) -> None:
    stored.package_file(package).unlink()
    assert problem(published, checksums=checksums) == MISSING


@pytest.mark.parametrize("checksums", [True, False])
def test_a_file_of_another_size_is_found_without_reading_it(
    published: CondaPublication, package: CondaPackage, checksums: bool
) -> None:
    stored.cut(stored.package_file(package))
    expected = OTHER_SIZE.format(found=package.size - 1, size=package.size)
    assert problem(published, checksums=checksums) == expected


def test_a_file_of_other_bytes_is_found_by_its_checksum_alone(
    published: CondaPublication, package: CondaPackage
) -> None:
    stored.spoil(stored.package_file(package))
    assert problem(published, checksums=False) is None
    found = problem(published)
    assert found
    assert found.endswith(OTHER_BYTES.format(found="", sha256=package.sha256)[-60:])


def test_the_task_counts_the_files_of_one_version(
    published: CondaPublication, package: CondaPackage
) -> None:
    changed(CondaRepository.objects.get(), remove=[package])
    stored.package_file(package).unlink()
    result = check_files(str(published.repository_version.pk))
    path = f"noarch/{package.filename}"
    assert result == {"version": 1, "faults": 1, "listed": [{"path": path, "problem": MISSING}]}
    newest = CondaRepository.objects.get().latest_version()
    assert check_files(str(newest.pk))["faults"] == 0
