"""Serializers of the REST API, one file per noun."""

from .check import FilesCheckSerializer, IndexCheckSerializer
from .distribution import CondaDistributionSerializer
from .guard import CondaContentGuardSerializer
from .notice import CondaNoticeSerializer
from .owner import CondaOwnerSerializer
from .package import CondaPackageSerializer, CondaPackageUploadSerializer
from .patch import CondaRepodataPatchSerializer
from .publication import CondaPublicationSerializer
from .remote import CondaRemoteSerializer
from .repository import CondaRepositorySerializer
from .sync import RepositorySyncSerializer, SyncUnderWaySerializer
from .token import AccessTokenSerializer, NewAccessTokenSerializer

__all__ = [
    "AccessTokenSerializer",
    "CondaContentGuardSerializer",
    "CondaDistributionSerializer",
    "CondaNoticeSerializer",
    "CondaOwnerSerializer",
    "CondaPackageSerializer",
    "CondaPackageUploadSerializer",
    "CondaPublicationSerializer",
    "CondaRemoteSerializer",
    "CondaRepodataPatchSerializer",
    "CondaRepositorySerializer",
    "FilesCheckSerializer",
    "IndexCheckSerializer",
    "NewAccessTokenSerializer",
    "RepositorySyncSerializer",
    "SyncUnderWaySerializer",
]
