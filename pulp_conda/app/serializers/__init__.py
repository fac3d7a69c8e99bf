"""Serializers of the REST API, one file per noun."""

from .check import FilesCheckSerializer, IndexCheckSerializer
from .distribution import CondaDistributionSerializer
from .guard import CondaContentGuardSerializer
from .owner import CondaOwnerSerializer
from .package import CondaPackageSerializer, CondaPackageUploadSerializer
from .publication import CondaPublicationSerializer
from .repository import CondaRepositorySerializer
from .token import AccessTokenSerializer, NewAccessTokenSerializer

__all__ = [
    "AccessTokenSerializer",
    "CondaContentGuardSerializer",
    "CondaDistributionSerializer",
    "CondaOwnerSerializer",
    "CondaPackageSerializer",
    "CondaPackageUploadSerializer",
    "CondaPublicationSerializer",
    "CondaRepositorySerializer",
    "FilesCheckSerializer",
    "IndexCheckSerializer",
    "NewAccessTokenSerializer",
]
