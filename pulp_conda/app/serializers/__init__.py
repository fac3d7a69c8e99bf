"""Serializers of the REST API, one file per noun."""

from .distribution import CondaDistributionSerializer
from .package import CondaPackageSerializer, CondaPackageUploadSerializer
from .publication import CondaPublicationSerializer
from .repository import CondaRepositorySerializer

__all__ = [
    "CondaDistributionSerializer",
    "CondaPackageSerializer",
    "CondaPackageUploadSerializer",
    "CondaPublicationSerializer",
    "CondaRepositorySerializer",
]
