"""Saving a unit with its file by one statement leaves the rows that pulpcore's models leave."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from pulpcore.plugin.models import Artifact, Content, ContentArtifact

from pulp_conda.app.channels.changes.upload import new_upload
from pulp_conda.app.channels.intake.ingest import inspected, received, save
from pulp_conda.app.channels.storage.units import save_unit
from pulp_conda.app.models import UPLOAD, CondaPackage, CondaRepodataPatch, CondaRepository
from tests.builders import PackageBuilder
from tests.database.factories import save_package, save_patch

_OWN = {"pulp_id", "pulp_created", "pulp_last_updated", "timestamp_of_interest"}
"""The fields that differ for each row."""
_LONG_AGO = timedelta(days=30)


def fields(row: Model) -> dict[str, Any]:
    """Return the columns of a row, with nothing that is each one's own."""
    columns = {field.attname for field in row._meta.concrete_fields if not field.is_relation}
    return {name: str(getattr(row, name)) for name in columns - _OWN}


def rows(unit: Content) -> list[dict[str, Any]]:
    """Return the rows of a unit and of its file, as the database has them."""
    (file,) = ContentArtifact.objects.filter(content=unit.pk)
    saved = type(unit).objects.get(pk=unit.pk)
    assert all(row.pulp_created and row.pulp_last_updated for row in (file, file.artifact, saved))
    return [
        {**fields(row), "domain": row.pulp_domain_id}
        for row in (saved, Artifact.objects.get(pk=file.artifact_id))
    ] + [fields(file)]


def by_models(builder: PackageBuilder) -> CondaPackage:
    """Save a package by pulpcore's models."""
    body = builder.conda()
    with received(io.BytesIO(body), len(body)) as file:
        package = inspected(file, "conda")
        artifact = Artifact.init_and_validate(file)
        artifact.save()
        package.save()
        ContentArtifact.objects.create(
            content=package, artifact=artifact, relative_path=package.relative_path
        )
    return package


def forgotten(unit: Content) -> None:
    """Undo the saving of a unit."""
    artifacts = list(unit._artifacts.all())
    unit.delete()
    for artifact in artifacts:
        artifact.delete()


def test_a_package_has_the_rows_of_pulpcores_models() -> None:
    builder = PackageBuilder("equal").payload(3000).about(summary="text", license="MIT")
    theirs = by_models(builder)
    expected = rows(theirs)
    forgotten(theirs)
    assert rows(save_package(builder)) == expected


def test_a_patch_has_the_rows_of_pulpcores_models() -> None:
    ours = save_patch(remove=["a-1-0.conda"])
    (expected, artifact, file) = rows(ours)
    copy = CondaRepodataPatch(
        **{name: getattr(ours, name) for name in fields(ours) if name != "pulp_type"}
    )
    ContentArtifact.objects.filter(content=ours.pk).delete()
    ours.delete()
    copy.save()
    assert fields(copy) == {name: value for name, value in expected.items() if name != "domain"}
    assert artifact["sha256"] == copy.sha256
    assert file == {"relative_path": copy.relative_path}


@pytest.mark.parametrize(
    "again",
    [lambda: save_package(PackageBuilder("twice")), lambda: by_models(PackageBuilder("twice"))],
)
def test_what_exists_is_found_and_touched(again: Callable[[], CondaPackage]) -> None:
    old = now() - _LONG_AGO
    first = again()
    Content.objects.filter(pk=first.pk).update(timestamp_of_interest=old)
    Artifact.objects.update(timestamp_of_interest=old)
    second = save_package(PackageBuilder("twice"))
    assert second.pk == first.pk
    assert second == first
    saved = CondaPackage.objects.get(pk=first.pk)
    assert saved.timestamp_of_interest > old + _LONG_AGO / 2
    assert Artifact.objects.get(sha256=first.sha256).timestamp_of_interest > old + _LONG_AGO / 2
    assert CondaPackage.objects.filter(sha256=first.sha256).count() == 1


def test_another_record_of_a_file_is_another_unit_with_the_same_artifact() -> None:
    first = save_package(PackageBuilder("file"))
    other = CondaPackage(**{**_facts(first), "record_json": "{}", "record_digest": "0" * 64})
    (artifact,) = first._artifacts.all()
    save_unit(other, artifact)
    assert other.pk != first.pk
    assert list(other._artifacts.all()) == [artifact]


def test_a_unit_without_a_file_gets_it_and_never_loses_it() -> None:
    builder = PackageBuilder("reclaimed")
    first = save_package(builder)
    ContentArtifact.objects.filter(content=first.pk).update(artifact=None)
    assert save_package(builder).pk == first.pk
    assert first._artifacts.get().sha256 == first.sha256
    save_unit(CondaPackage(**_facts(first)), None)
    assert first._artifacts.get().sha256 == first.sha256


def test_a_file_that_the_storage_lost_is_stored_again() -> None:
    builder = PackageBuilder("lost")
    stored = Path(save_package(builder)._artifacts.get().file.path)
    stored.unlink()
    save_package(builder)
    assert stored.read_bytes() == builder.conda()


def test_the_upload_of_a_package_waits_from_the_same_moment(repository: CondaRepository) -> None:
    body = PackageBuilder("waits").conda()
    waiting = new_upload(repository, replace=True)
    with received(io.BytesIO(body), len(body)) as file:
        package = inspected(file, "conda")
        with CaptureQueriesContext(connection) as asked:
            save(package, file, upload=waiting)
    assert len(asked) == 1
    saved = type(waiting).objects.get(pk=waiting.pk)
    assert (saved.repository_id, saved.package_id) == (repository.pk, package.pk)
    assert (saved.kind, saved.replaces, saved.payload) == (UPLOAD, True, {})
    assert (saved.expires, saved.outcome) == (waiting.expires, None)


def _facts(package: CondaPackage) -> dict[str, Any]:
    own = type(package)._meta.local_concrete_fields
    return {
        field.attname: getattr(package, field.attname) for field in own if not field.primary_key
    }


def test_a_package_may_be_saved_once_for_each_of_several_channels() -> None:
    body = PackageBuilder("repeated").conda()
    with received(io.BytesIO(body), len(body)) as file:
        package = inspected(file, "conda")
        save(package, file)
        first = rows(package)
        save(package, file)
    assert rows(package) == first
