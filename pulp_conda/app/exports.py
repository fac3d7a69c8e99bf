"""Refuses pulpcore's exports of channels, which would be incomplete.

Pulp's own export would contain files without their records, and a file system export an index
without its shards. Both would be reported as completed.
"""

from typing import Any

from django.db.models.signals import pre_save
from pulpcore.plugin.models import RepositoryVersion

from .exceptions import TransferNotSupportedError
from .models import CondaPublication, CondaRepository

_INSTEAD = "Download the packages of the channel's index and upload them where they are to be."


def refuse_exports() -> None:
    """Make every export that includes a channel fail before it writes anything."""
    pre_save.connect(_refuse_export, sender="core.PulpExport", dispatch_uid="conda.export")
    pre_save.connect(
        _refuse_resource, sender="core.ExportedResource", dispatch_uid="conda.exported"
    )


def _refuse_export(*, instance: Any, **_: object) -> None:
    if instance.exporter.repositories.filter(pulp_type=CondaRepository.get_pulp_type()).exists():
        raise TransferNotSupportedError("An export of Pulp's own format", _INSTEAD)


def _refuse_resource(*, instance: Any, **_: object) -> None:
    """Refuse a channel as a part of an export; pulpcore saves parts before it writes files."""
    exported = instance.content_object
    if isinstance(exported, RepositoryVersion):
        exported = exported.repository.cast()
    if isinstance(exported, CondaPublication | CondaRepository):
        raise TransferNotSupportedError("An export to the file system", _INSTEAD)
