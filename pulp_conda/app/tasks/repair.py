"""The tasks that check indexes and files of channels."""

from collections.abc import Iterable
from typing import Any

from pulpcore.plugin.models import ProgressReport, RepositoryVersion

from pulp_conda.app.channels.index.publish import publish, publishing_report
from pulp_conda.app.channels.upkeep.check_files import check_packages, packages_of
from pulp_conda.app.channels.upkeep.check_index import Fault, faults_of
from pulp_conda.app.models import publication_of

_LISTED = 1000
"""How many faults a task's result lists, since the result is one row of the database."""


def check_index(repository_version_pk: str, *, mend: bool = False) -> dict[str, Any]:
    """Compare a version's index with its packages; with `mend`, publish it again if it differs."""
    version = RepositoryVersion.objects.get(pk=repository_version_pk)
    publication = publication_of(version)
    if publication is None:  # it was deleted after the request
        return _result(version, [])
    with ProgressReport(message="Making subdirs anew", code="conda.check.subdirs") as report:
        result = _result(version, faults_of(publication, mend=mend, report=report))
    if mend and result["faults"]:
        with publishing_report() as report:
            publish(version, checkpoint=publication.checkpoint, report=report)
    return result


def check_files(repository_version_pk: str, *, checksums: bool = True) -> dict[str, Any]:
    """Check the file of every package of a version."""
    version = RepositoryVersion.objects.get(pk=repository_version_pk)
    packages = packages_of(version)
    with ProgressReport(
        message="Checking files", code="conda.check.files", total=packages.count()
    ) as report:
        checked = report.iter(check_packages(packages, checksums=checksums))
        return _result(version, (fault for fault in checked if fault))


def _result(version: RepositoryVersion, faults: Iterable[Fault]) -> dict[str, Any]:
    """Return the result of a task."""
    count, listed = 0, []
    for count, fault in enumerate(faults, 1):
        if count <= _LISTED:
            listed.append(fault._asdict())
    return {"version": version.number, "faults": count, "listed": listed}
