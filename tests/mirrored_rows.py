"""The rows that a sync leaves for packages whose files are not here. Django must be set up."""

from typing import Any

from django.utils.timezone import now
from pulpcore.plugin.util import get_url

from pulp_conda.app.channels.intake.target_channel import find_or_create_repository
from pulp_conda.app.channels.intake.unit_fields import FileDigests, unit_fields
from pulp_conda.app.channels.storage.units import save_unit
from pulp_conda.app.models import (
    ChannelName,
    CondaPackage,
    CondaRemote,
    CondaRepository,
    SyncedSubdir,
)
from pulp_conda.formats.identifiers import PackageFilename


def save_package(filename: str, digests: FileDigests) -> CondaPackage:
    """Save a package of noarch from its record alone."""
    name = PackageFilename.parse(filename)
    record = {
        "name": name.name, "version": name.version, "build": name.build, "build_number": 0,
        "depends": [], "subdir": "noarch", "md5": digests.md5, "sha256": digests.sha256,
        "size": digests.size,
    }  # fmt: skip
    return save_unit(CondaPackage(**unit_fields(record, name, "noarch", digests)), None)


def save_origin(
    repository: CondaRepository, url: str, policy: str = "on_demand", **fields: Any
) -> SyncedSubdir:
    """Save that a repository was synced from a channel's URL just now."""
    remote, _ = CondaRemote.objects.get_or_create(
        name=f"{repository.name} {url}", defaults={"url": url, "policy": policy}
    )
    values = {
        "version": 1, "document": "repodata.json", "sha256": "", "digests": b"", "options": "",
        "files_url": f"{url}/noarch/", "checked": now(), **fields,
    }  # fmt: skip
    return SyncedSubdir.objects.update_or_create(
        repository=repository, remote=remote, subdir="noarch", defaults=values
    )[0]


def save_mirror(mirror: dict[str, Any]) -> dict[str, Any]:
    """Save a mirror's rows, but no version; return the paths of its repository and packages."""
    repository = find_or_create_repository(ChannelName(*mirror["channel"].split("/")))
    for url in reversed(mirror["urls"]):  # the first one is the newest
        save_origin(repository, url, mirror["policy"])
    packages = [
        save_package(file["filename"], FileDigests(file["sha256"], file["md5"], "", file["size"]))
        for file in mirror["files"]
    ]
    return {"repository": get_url(repository), "packages": [get_url(each) for each in packages]}
