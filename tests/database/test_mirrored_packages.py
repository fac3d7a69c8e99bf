"""Packages with the records of an upstream: what is stored of them, and what clients get."""

import json
from typing import Any

import msgspec
import pytest
from django.db import connection

from pulp_conda.app.channels.changes.delta import Delta
from pulp_conda.app.channels.changes.versions import change
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.intake.unit_fields import mirrored_fields
from pulp_conda.app.channels.storage.units import save_unit
from pulp_conda.app.channels.upkeep.check_index import faults_of
from pulp_conda.app.models import CondaPackage, CondaRepository, CondaShard, publication_of
from pulp_conda.app.serializers import CondaPackageSerializer
from pulp_conda.formats.compression import zstd
from pulp_conda.formats.upstream.records import mirrored_record
from tests.database import stored

_EXPORTS: dict[str, Any] = {"unknown": None, "none": {}, "some": {"weak": ["far >=1"]}}


def document(repository: CondaRepository, path: str) -> Any:
    """Return a document of a channel's newest index."""
    publication = publication_of(repository.latest_version())
    assert publication is not None
    file = stored.document(publication, path)
    assert file is not None
    return json.loads(file.read_bytes())


def _saved(build: str, **more: Any) -> CondaPackage:
    stated = {
        "name": "far", "version": "1.0", "build": build, "build_number": 0, "depends": [],
        "md5": "b" * 32, "weight": 8.0, "license": None, **more,
    }  # fmt: skip
    record = mirrored_record(f"far-1.0-{build}.conda", stated, name="far", subdir="noarch")
    return save_unit(CondaPackage(**mirrored_fields(record)), None)


@pytest.fixture
def packages(repository: CondaRepository) -> dict[str, CondaPackage]:
    """Packages whose run exports are unknown, none and some; the channel has all of them."""
    found = {build: _saved(build, run_exports=exports) for build, exports in _EXPORTS.items()}
    publish(change(repository, Delta.listed({each.pk for each in found.values()}, set())))
    return found


def test_unknown_run_exports_are_no_value_in_the_database(packages: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT build FROM conda_condapackage WHERE run_exports IS NULL")
        assert cursor.fetchall() == [("unknown",)]
    saved = {each.build: each.run_exports for each in CondaPackage.objects.all()}
    assert saved == _EXPORTS


def test_unknown_run_exports_are_null_in_the_rest_api(packages: dict[str, CondaPackage]) -> None:
    field = CondaPackageSerializer().fields["run_exports"]
    instances = {build: CondaPackage.objects.get(pk=each.pk) for build, each in packages.items()}
    assert {build: field.get_attribute(each) for build, each in instances.items()} == _EXPORTS


def test_clients_get_the_records_of_the_upstream(
    repository: CondaRepository, packages: dict[str, CondaPackage]
) -> None:
    known = {each.filename: {"run_exports": _EXPORTS[build]} for build, each in packages.items()}
    del known["far-1.0-unknown.conda"]
    assert document(repository, "noarch/run_exports.json")["packages.conda"] == known
    records = document(repository, "noarch/repodata.json")["packages.conda"]
    for build, package in packages.items():
        assert records[package.filename].pop("indexed_timestamp")
        assert records[package.filename] == package.record
        assert package.record["license"] is None
        assert "run_exports" not in package.record, build
    entry = document(repository, "channeldata.json")["packages"]["far"]
    assert entry["run_exports"] == {"1.0": {"weak": ["far >=1"]}}


def test_a_shard_says_what_is_known(packages: dict[str, CondaPackage]) -> None:
    data = bytes(CondaShard.objects.get(name="far").data)
    shard = msgspec.msgpack.decode(zstd.decompress(data))["packages.conda"]
    assert {each["build"]: each.get("run_exports") for each in shard.values()} == _EXPORTS
    assert "run_exports" not in shard["far-1.0-unknown.conda"]
    assert {type(each["weight"]) for each in shard.values()} == {float}


def test_the_index_is_the_same_anew(
    repository: CondaRepository, packages: dict[str, CondaPackage]
) -> None:
    removed, added = packages["some"], _saved("more", run_exports=None)
    publication = publish(change(repository, Delta.listed({added.pk}, {removed.pk})))
    assert document(repository, "channeldata.json")["packages"]["far"]["run_exports"] == {}
    assert list(faults_of(publication)) == []
