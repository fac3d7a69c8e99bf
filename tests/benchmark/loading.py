"""Puts a channel into a server's database, as one repository version.

Run with the settings of a running server: `python -m tests.benchmark.loading REPOSITORY COUNT
[SEED]` for a made-up one, and with the paths of some `repodata.json.zst` in place of COUNT for the
records in them. The repository must be empty. A million packages take some five minutes, since
they are copied; uploading them would take days. All of them share one file.
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import UUID

import django

django.setup()

from django.conf import settings  # noqa: E402 (Django must be set up before)
from django.db import IntegrityError, connection, transaction  # noqa: E402
from pulpcore.plugin.models import (  # noqa: E402
    Artifact,
    RepositoryContent,
    RepositoryVersion,
)

from pulp_conda.app.models import CondaPackage, CondaRepository  # noqa: E402
from tests.benchmark import real, synthetic  # noqa: E402
from tests.benchmark.synthetic import Synthetic  # noqa: E402

_Value = TypeVar("_Value")

_FILE_BYTES = 20_000
_COLUMNS = (
    "content_ptr_id", "sha256", "md5", "sha1", "size", "subdir", "filename", "name", "version",
    "build", "build_number", "timestamp", "extension", "record_json", "record_digest",
    "run_exports", "license", "about", "traits", "_pulp_domain_id",
)  # fmt: skip

# One statement each, so that no row travels twice. The units' keys are consecutive.
_CONTENT = """
    INSERT INTO core_content (pulp_id, pulp_created, pulp_last_updated, pulp_type, pulp_labels,
                              timestamp_of_interest, pulp_domain_id)
    SELECT content_ptr_id, now(), now(), %(type)s, '', now(), _pulp_domain_id
      FROM conda_condapackage WHERE content_ptr_id BETWEEN %(first)s AND %(last)s
"""
_FILES = """
    INSERT INTO core_contentartifact (pulp_id, pulp_created, pulp_last_updated, artifact_id,
                                      content_id, relative_path)
    SELECT gen_random_uuid(), now(), now(), %(artifact)s, content_ptr_id, subdir || '/' || filename
      FROM conda_condapackage WHERE content_ptr_id BETWEEN %(first)s AND %(last)s
"""
_MEMBERSHIPS = """
    INSERT INTO core_repositorycontent (pulp_id, pulp_created, pulp_last_updated, content_id,
                                        repository_id, version_added_id)
    SELECT gen_random_uuid(), now(), now(), content_ptr_id, %(repository)s, %(version)s
      FROM conda_condapackage WHERE content_ptr_id BETWEEN %(first)s AND %(last)s
"""
_CONTENT_IDS = """
    UPDATE core_repositoryversion SET content_ids = ARRAY(
        SELECT content_ptr_id FROM conda_condapackage
         WHERE content_ptr_id BETWEEN %(first)s AND %(last)s
    ) WHERE pulp_id = %(version)s
"""
_TABLES = (
    "core_content", "conda_condapackage", "core_contentartifact", "core_repositorycontent",
    "core_repositoryversion",
)  # fmt: skip


def load(repository: CondaRepository, packages: Iterator[Synthetic]) -> None:
    """Fill a repository's first version after the empty one."""
    first = RepositoryVersion().pk.int  # of pulpcore's kind, which is in the order of time
    artifact = _shared_file()
    with transaction.atomic(), connection.cursor() as cursor:
        # Foreign keys are not checked: the rows exist, and the checks would double the time.
        cursor.execute("SET LOCAL session_replication_role = replica")
        version = RepositoryVersion.objects.bulk_create(
            [
                RepositoryVersion(
                    repository=repository, number=repository.next_version, complete=True
                )
            ]
        )[0]
        count = _copy(cursor, repository, first, packages)
        names = {
            "type": CondaPackage.get_pulp_type(),
            "first": UUID(int=first),
            "last": UUID(int=first + count - 1),
            "artifact": artifact.pk,
            "repository": repository.pk,
            "version": version.pk,
        }
        for statement in (_CONTENT, _FILES, _MEMBERSHIPS, _CONTENT_IDS):
            cursor.execute(statement, names)
        details = version.counts.model
        details.objects.bulk_create(
            details(
                repository_version=version,
                content_type=CondaPackage.get_pulp_type(),
                count_type=kind,
                count=count,
            )
            for kind in (details.ADDED, details.PRESENT)
        )
        CondaRepository.objects.filter(pk=repository.pk).update(next_version=version.number + 1)
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"ANALYZE {table}")
    assert RepositoryContent.objects.filter(repository=repository).count() == count


def _shared_file() -> Artifact:
    with TemporaryDirectory(dir=settings.WORKING_DIRECTORY) as folder:
        path = Path(folder) / "package"
        path.write_bytes(bytes(_FILE_BYTES))
        artifact = Artifact.init_and_validate(str(path))
        with suppress(IntegrityError), transaction.atomic():  # another channel of the server has it
            artifact.save()
        return Artifact.objects.get(sha256=artifact.sha256)


def _copy(
    cursor: Any, repository: CondaRepository, first: int, packages: Iterator[Synthetic]
) -> int:
    """Copy the packages and return how many there were."""
    count = 0
    with cursor.copy(f"COPY conda_condapackage ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
        for count, package in enumerate(packages, 1):
            key = str(UUID(int=first + count - 1))
            copy.write_row((key, *_columns(package), str(repository.pulp_domain_id)))
    return count


def _columns(package: Synthetic) -> tuple[object, ...]:
    """Return the values of the columns other than keys. The record is stored unchanged."""
    record = package.record
    # Old records know no sha256, and yet no two of a channel's files are one.
    digest = hashlib.sha256(package.filename.encode()).hexdigest()
    return (
        _fact(record, "sha256", digest),
        _fact(record, "md5", ""),
        "",
        _fact(record, "size", 0),
        record["subdir"],
        package.filename,
        record["name"],
        record["version"],
        record["build"],
        _fact(record, "build_number", 0),
        _fact(record, "timestamp", 0) or None,
        package.extension,
        package.record_json,
        package.digest,
        json.dumps(package.run_exports),
        _fact(record, "license", ""),
        json.dumps(package.about),
        "{}",
    )


def _fact(record: dict[str, Any], field: str, default: _Value) -> _Value:
    """Return a field of a record; the default if it is missing or has a wrong type."""
    value = record.get(field)
    return value if isinstance(value, type(default)) else default


def main(name: str, *what: str) -> None:
    """Load and say how long it took."""
    began = time.perf_counter()
    if what[0].isdecimal():
        packages = synthetic.packages(int(what[0]), seed=int(what[1]) if what[1:] else 1)
    else:
        packages = real.packages([Path(path) for path in what])
    load(CondaRepository.objects.get(name=name), packages)
    print(f"{time.perf_counter() - began:.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
