"""Serializers of the REST API, one file per noun."""

from .distribution import CondaDistributionSerializer
from .guard import CondaContentGuardSerializer
from .notice import CondaNoticeSerializer
from .owner import CondaOwnerSerializer
from .package import CondaPackageSerializer, CondaPackageUploadSerializer
from .publication import CondaPublicationSerializer
from .repository import CondaRepositorySerializer
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
    "CondaRepositorySerializer",
    "NewAccessTokenSerializer",
]
