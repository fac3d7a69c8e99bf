"""Packages whose record is here and whose file is not, as a mirror saves them."""

import pytest
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import HTTPNotFound

from pulp_conda.app.channels.changes.delta import Delta
from pulp_conda.app.channels.changes.versions import change
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.intake.unit_fields import FileDigests, unit_fields
from pulp_conda.app.channels.reading.releases import releases_of, served_channel
from pulp_conda.app.channels.storage.units import save_unit
from pulp_conda.app.channels.upkeep.check_files import NO_FILE, check_packages, packages_of
from pulp_conda.app.channels.upkeep.check_index import Fault, faults_of
from pulp_conda.app.content import lookup
from pulp_conda.app.content.resolve import find
from pulp_conda.app.models import ChannelName, CondaPackage, CondaRepository, publication_of
from pulp_conda.app.serializers import CondaPackageSerializer
from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.layout import parse_path
from tests.builders import PackageBuilder
from tests.database.factories import save_package

_MAIN = ChannelName("org", "main")


@pytest.fixture
def package(repository: CondaRepository) -> CondaPackage:
    """A package that was saved from its record alone, and that the channel's index names."""
    record = {"name": "far", "version": "1.0", "build": "0", "build_number": 0, "depends": []}
    filename = PackageFilename.parse("far-1.0-0.conda")
    digests = FileDigests(sha256="a" * 64, md5="b" * 32, sha1="", size=1234)
    package = save_unit(CondaPackage(**unit_fields(record, filename, "noarch", digests)), None)
    publish(change(repository, Delta.listed({package.pk}, set())))
    return package


def found(package: CondaPackage) -> lookup.StoredFile | lookup.AbsentFile | None:
    """Return what the package's path names in the channel."""
    channel, where = lookup.channel_named(_MAIN), parse_path(package.relative_path)
    assert channel is not None
    assert where is not None
    index = lookup.served_index(channel)
    assert index is not None
    return lookup.package(channel, index, where)


def is_absent(file: lookup.StoredFile | lookup.AbsentFile | None) -> bool:
    """Tell whether the content app knows a package's record and not its file."""
    return isinstance(file, lookup.AbsentFile) and (file.size, file.digest) == (1234, "a" * 64)


def test_the_content_app_knows_that_the_file_is_absent(package: CondaPackage) -> None:
    assert is_absent(found(package))


def test_clients_are_told(package: CondaPackage) -> None:
    path = f"org/main/{package.relative_path}"
    request = make_mocked_request("GET", f"/{path}", match_info={"path": path})
    with pytest.raises(HTTPNotFound) as refused:
        find(request, _MAIN)
    assert refused.value.text == (
        "the channel has this package, but its file is not on this server"
    )


def test_an_absent_file_that_was_served_recently_is_known_too(
    repository: CondaRepository, package: CondaPackage
) -> None:
    publish(change(repository, Delta.listed(set(), {package.pk})))
    assert is_absent(found(package))


def test_the_index_is_sound(repository: CondaRepository, package: CondaPackage) -> None:
    publication = publication_of(repository.latest_version())
    assert publication is not None
    assert list(faults_of(publication)) == []


def test_the_check_of_files_names_it(repository: CondaRepository, package: CondaPackage) -> None:
    faults = list(check_packages(packages_of(repository.latest_version()), checksums=True))
    assert faults == [Fault("noarch/far-1.0-0.conda", NO_FILE)]


def test_the_registry_and_rest_show_it(package: CondaPackage) -> None:
    channel = served_channel(_MAIN)
    assert channel is not None
    (release,), _ = releases_of(channel, "far", offset=0, limit=10)
    assert release.files() == [package]
    shown = CondaPackageSerializer(package, context={"request": None}).data
    assert (shown["relative_path"], shown["artifact"]) == ("noarch/far-1.0-0.conda", None)


def test_saving_it_again_without_a_file_takes_no_file_away(repository: CondaRepository) -> None:
    saved = save_package(PackageBuilder())
    publish(change(repository, Delta.listed({saved.pk}, set())))
    fields = {name: value for name, value in vars(saved).items() if name in _OWN_FIELDS}
    assert save_unit(CondaPackage(**fields), None) == saved
    assert isinstance(found(saved), lookup.StoredFile)


_OWN_FIELDS = {
    field.attname for field in CondaPackage._meta.local_concrete_fields if not field.primary_key
}
