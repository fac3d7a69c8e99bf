"""Makes channels, packages, patches and changes that wait, by our own code."""

import io
import json
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils.timezone import now
from django_guid import set_guid
from pulpcore.plugin.models import RepositoryVersion, Task

from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.channels.changes.delta import Delta
from pulp_conda.app.channels.changes.upload import add, new_upload
from pulp_conda.app.channels.changes.versions import change
from pulp_conda.app.channels.intake.ingest import inspected, received, save
from pulp_conda.app.channels.intake.patch_uploads import ingest_patches
from pulp_conda.app.channels.intake.target_channel import find_or_create_repository
from pulp_conda.app.models import (
    REMOVAL,
    ChannelName,
    CondaPackage,
    CondaRepodataPatch,
    CondaRepository,
    PendingChange,
)
from pulp_conda.app.tasks import dispatch_commit
from tests.builders import PackageBuilder


def make_channel(owner: str, name: str) -> CondaRepository:
    """Create a channel, as its first upload would; return its repository."""
    Path(settings.WORKING_DIRECTORY).mkdir(exist_ok=True)
    return find_or_create_repository(ChannelName(owner, name))


def save_package(builder: PackageBuilder) -> CondaPackage:
    """Validate and save a package, as an upload does before its commit."""
    body = builder.conda()
    with received(io.BytesIO(body), len(body)) as file:
        package = inspected(file, "conda")
        save(package, file)
        return package


def wait(
    repository: CondaRepository, package: CondaPackage, *, replaces: bool = False, seconds: int = 60
) -> PendingChange:
    """Let an upload of a package wait for the next commit; it expires after `seconds`."""
    return PendingChange.objects.create(
        repository=repository,
        package=package,
        replaces=replaces,
        expires=now() + timedelta(seconds=seconds),
    )


def wait_for_removal(repository: CondaRepository, path: str) -> PendingChange:
    """Let the removal of what has a path wait for the next commit."""
    subdir, filename = path.split("/")
    return PendingChange.objects.create(
        repository=repository,
        kind=REMOVAL,
        payload={
            "selection": {"subdir": subdir, "filename": filename},
            "newest": repository.latest_version().number,
        },
        expires=now() + timedelta(minutes=1),
    )


def committed(repository: CondaRepository, *uploads: PendingChange) -> list[str | None]:
    """Commit what waits for a channel; return the outcome of each of the uploads."""
    commit_pending(repository)
    for upload in uploads:
        upload.refresh_from_db()
    return [upload.outcome for upload in uploads]


def upload(repository: CondaRepository, *builders: PackageBuilder) -> list[CondaPackage]:
    """Upload packages in one commit; return them."""
    packages = [save_package(builder) for builder in builders]
    outcomes = committed(repository, *(wait(repository, package) for package in packages))
    assert set(outcomes) == {"added"}
    return packages


def request_upload(
    repository: CondaRepository, package: CondaPackage, *, replace: bool = False
) -> None:
    """Upload a saved package as a request of a client does, in a task of its own.

    Raises what `channels.changes.upload.add` raises.
    """
    set_guid("tests")  # names the request in the log of its task
    waiting = new_upload(CondaRepository.objects.get(pk=repository.pk), replace=replace)
    waiting.package = package
    waiting.save()
    add(waiting, package, dispatch_commit)


def configured(repository: CondaRepository, **fields: object) -> CondaRepository:
    """Change settings of a channel past REST; return the repository as it is then."""
    CondaRepository.objects.filter(pk=repository.pk).update(**fields)
    return CondaRepository.objects.get(pk=repository.pk)


def changed(
    repository: CondaRepository,
    *,
    add: Collection[CondaPackage | CondaRepodataPatch] = (),
    remove: Collection[CondaPackage | CondaRepodataPatch] = (),
) -> RepositoryVersion:
    """Make a version that adds and removes units, and publish none."""
    delta = Delta.listed({unit.pk for unit in add}, {unit.pk for unit in remove})
    return change(CondaRepository.objects.get(pk=repository.pk), delta)


def save_patch(subdir: str = "noarch", /, **instructions: object) -> CondaRepodataPatch:
    """Validate and save the patch instructions for a subdir."""
    document = {"patch_instructions_version": 1, **instructions}
    (patch,) = ingest_patches(io.BytesIO(json.dumps(document).encode()), subdir)
    return patch


def save_task(state: str) -> Task:
    """Save a task in a state."""
    (saved,) = Task.objects.bulk_create([Task(name="x", state=state, logging_cid="")])
    return saved
