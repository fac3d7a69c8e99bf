"""Publish a version: plan, build, save."""

from pulpcore.plugin.models import ProgressReport, RepositoryVersion

from pulp_conda.app.models import CondaPublication, CondaRepository

from .build import temporary_build
from .documents import DamagedDocument
from .plan import Plan, plan
from .save import save
from .version_packages import VersionPackages


def autopublish(*, repository: CondaRepository, version: RepositoryVersion, **_: object) -> None:
    """Publish a new version if its repository has `autopublish`."""
    if repository.autopublish:
        with publishing_report() as report:
            publish(version, report=report)


def publishing_report() -> ProgressReport:
    """Return the progress report of a task that publishes a version."""
    return ProgressReport(message="Publishing subdirs", code="publish.subdirs")


def publish(
    version: RepositoryVersion, *, checkpoint: bool = False, report: ProgressReport | None = None
) -> CondaPublication:
    """Publish a version. A task that holds the repository calls this.

    The time grows with the changes since the previous publication, or with the size of the channel
    if there is no previous publication. Memory grows with the number of names in a subdir.
    """
    packages = VersionPackages(version)
    try:
        return _publish(plan(version, packages), checkpoint, report)
    except DamagedDocument:
        # The packages alone are enough to build an index.
        return _publish(plan(version, packages, anew=True), checkpoint, report)


def _publish(planned: Plan, checkpoint: bool, report: ProgressReport | None) -> CondaPublication:
    with temporary_build(planned, report) as built:
        return save(planned, built, checkpoint=checkpoint)
