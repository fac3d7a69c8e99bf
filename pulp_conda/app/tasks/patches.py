"""The task that saves an upload of repodata patches."""

from typing import BinaryIO, cast

from pulpcore.plugin.models import CreatedResource, ProgressReport, PulpTemporaryFile

from pulp_conda.app.channels.intake.patch_uploads import add_patches, ingest_patches
from pulp_conda.app.exceptions import InvalidPatchError
from pulp_conda.app.models import CondaRepository
from pulp_conda.formats.errors import InvalidPackage


def upload_patches(
    temporary_file_pk: str, subdir: str | None = None, repository_pk: str | None = None
) -> None:
    """Save the patches of an uploaded file, and add all of them to a repository in one version."""
    uploaded = PulpTemporaryFile.objects.get(pk=temporary_file_pk)
    report = ProgressReport(message="Reading patch instructions", code="conda.patches.read")
    with report:
        try:
            with uploaded.file.open("rb") as file:
                patches = ingest_patches(cast("BinaryIO", file), subdir)
        except InvalidPackage as error:
            raise InvalidPatchError(f"{error} ({error.code})") from error
        finally:
            uploaded.delete()
        report.total = report.done = len(patches)
    CreatedResource.objects.bulk_create(CreatedResource(content_object=patch) for patch in patches)
    if repository_pk:
        repository = CondaRepository.objects.get(pk=repository_pk)
        add_patches(repository, patches)
