"""Repodata patches: what a version has of them, and what a new one changes."""

import json
from typing import Any

import pytest

from pulp_conda.app.channels.index.patches import Patches
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.intake.patch_uploads import add_patches
from pulp_conda.app.channels.upkeep.check_index import faults_of
from pulp_conda.app.models import (
    CondaPackage,
    CondaPublication,
    CondaRepodataPatch,
    CondaRepository,
)
from tests.builders import PackageBuilder
from tests.database import stored
from tests.database.factories import configured, save_package, save_patch, upload

_FIXED = "noarch/repodata_from_packages.json"
_REPODATA = "noarch/repodata.json"


def publication_of(repository: CondaRepository) -> CondaPublication:
    """Return the publication of a channel's newest version."""
    return CondaPublication.objects.get(repository_version=repository.latest_version())


def document(repository: CondaRepository, path: str) -> Any:
    """Return a document of a channel's newest index, None where it has none."""
    file = stored.document(publication_of(repository), path)
    return json.loads(file.read_bytes()) if file else None


def records(repository: CondaRepository, path: str = _REPODATA) -> dict[str, Any]:
    """Return the records of a document."""
    return dict(document(repository, path)["packages.conda"])


def held(repository: CondaRepository) -> set[CondaRepodataPatch]:
    """Return the patches of a channel's newest version."""
    return set(CondaRepodataPatch.objects.in_version(repository.latest_version()))


def test_a_patch_takes_the_place_of_the_one_for_its_subdir(repository: CondaRepository) -> None:
    other = save_patch("linux-64", revoke=["x-1-0.conda"])
    add_patches(repository, [save_patch(revoke=["x-1-0.conda"]), other])
    new = save_patch(remove=["x-1-0.conda"])
    add_patches(repository, [new])
    assert held(repository) == {new, other}


def test_all_patches_of_an_upload_come_in_one_version(repository: CondaRepository) -> None:
    patches = [save_patch(subdir, remove=["x-1-0.conda"]) for subdir in ("noarch", "linux-64")]
    version = add_patches(repository, patches)
    assert version is not None
    assert version.number == 1
    assert held(repository) == set(patches)


def test_patches_that_a_channel_has_make_no_version(repository: CondaRepository) -> None:
    patch = save_patch(remove=["x-1-0.conda"])
    add_patches(repository, [patch])
    assert add_patches(repository, [patch]) is None
    assert repository.latest_version().number == 1


def test_patches_are_published_if_the_channel_publishes_by_itself(
    repository: CondaRepository,
) -> None:
    add_patches(repository, [save_patch(remove=["x-1-0.conda"])])
    assert CondaPublication.objects.count() == 1
    silent = configured(repository, autopublish=False)
    add_patches(silent, [save_patch(remove=["y-1-0.conda"])])
    assert CondaPublication.objects.count() == 1


def test_equal_instructions_are_one_unit(repository: CondaRepository) -> None:
    one = save_patch(remove=["a-1-0.conda", "b-1-0.conda"])
    assert save_patch(remove=["b-1-0.conda", "a-1-0.conda"]) == one
    assert save_patch("linux-64", remove=["a-1-0.conda", "b-1-0.conda"]) != one


def test_records_as_they_were_built_are_published_only_with_patches(
    repository: CondaRepository,
) -> None:
    (package,) = upload(repository, PackageBuilder().depends("old"))
    assert document(repository, _FIXED) is None
    entry = {package.filename: {"depends": ["new"]}}
    add_patches(repository, [save_patch(**{"packages.conda": entry})])
    assert records(repository, _FIXED)[package.filename]["depends"] == ["old"]
    assert records(repository)[package.filename]["depends"] == ["new"]
    add_patches(repository, [save_patch()])
    assert document(repository, _FIXED) is None
    assert records(repository)[package.filename]["depends"] == ["old"]


def test_what_a_patch_removes_is_listed_as_removed_and_stays_in_the_channel(
    repository: CondaRepository,
) -> None:
    (package,) = upload(repository, PackageBuilder())
    add_patches(repository, [save_patch(remove=[package.filename])])
    assert document(repository, _REPODATA)["removed"] == [package.filename]
    assert package.filename not in records(repository)
    assert package in CondaPackage.objects.in_version(repository.latest_version())


def test_a_patch_for_files_that_come_later_waits_for_them(repository: CondaRepository) -> None:
    add_patches(repository, [save_patch(revoke=["demo-1.0-0.conda"])])
    upload(repository, PackageBuilder())
    assert records(repository)["demo-1.0-0.conda"]["revoked"] is True


def test_a_patch_gives_a_channel_no_new_subdir(repository: CondaRepository) -> None:
    upload(repository, PackageBuilder())
    add_patches(repository, [save_patch("linux-64", remove=["x-1-0.conda"])])
    assert document(repository, "linux-64/repodata.json") is None


def test_a_rollback_takes_patches_back(repository: CondaRepository) -> None:
    (package,) = upload(repository, PackageBuilder())
    before = repository.latest_version()
    add_patches(repository, [save_patch(revoke=[package.filename])])
    with repository.new_version(base_version=before):
        pass
    assert held(repository) == set()
    assert "revoked" not in records(repository)[package.filename]


def test_only_names_that_patches_change_otherwise_count_as_changed(
    repository: CondaRepository,
) -> None:
    add_patches(repository, [save_patch(revoke=["a-1-0.conda", "b-1-0.conda"])])
    add_patches(repository, [save_patch(revoke=["a-1-0.conda", "c-1-0.conda"])])
    one, two = (Patches.of_version(repository.pk, number) for number in (1, 2))
    assert one.changed_names(two) == {"noarch": {"b", "c"}}
    assert one.changed_names(one) == {}


def test_a_subdir_without_patches_or_with_empty_ones_has_no_instructions(
    repository: CondaRepository,
) -> None:
    add_patches(repository, [save_patch(), save_patch("linux-64", remove=["a-1-0.conda"])])
    patches = Patches.of_version(repository.pk, 1)
    assert patches.of("noarch") is None
    assert patches.of("osx-64") is None
    assert patches.of("linux-64") is not None
    assert Patches.of_version(repository.pk, 0).of("linux-64") is None


@pytest.mark.parametrize(
    "steps",
    [
        ["revoke a", "revoke b", "nothing"],
        ["remove a", "upload", "remove b"],
        ["upload", "revoke a", "remove a", "upload"],
    ],
)
def test_an_index_that_patches_change_is_the_one_that_is_built_anew(
    repository: CondaRepository, steps: list[str]
) -> None:
    upload(repository, PackageBuilder("a"), PackageBuilder("b"))
    for number, step in enumerate(steps):
        verb, _, name = step.partition(" ")
        if verb == "upload":
            upload(repository, PackageBuilder("a", f"2.{number}"))
        else:
            entry = {verb: [f"{name}-1.0-0.conda"]} if name else {}
            add_patches(repository, [save_patch(**entry)])
        assert list(faults_of(publication_of(repository))) == [], step
    publish(repository.latest_version())


def test_a_patch_of_version_two_changes_run_exports(repository: CondaRepository) -> None:
    (package,) = upload(repository, PackageBuilder())
    entry = {package.filename: {"run_exports": {"weak": ["demo >=1"]}}}
    patch = save_patch(patch_instructions_version=2, **{"packages.conda": entry})
    add_patches(repository, [patch])
    found = document(repository, "noarch/run_exports.json")["packages.conda"]
    assert found[package.filename]["run_exports"] == {"weak": ["demo >=1"]}
    assert save_package(PackageBuilder()).run_exports == {}, "the package stays as it is"
