"""Viewsets of the REST API, one file per noun."""

from .distribution import CondaDistributionViewSet
from .package import CondaPackageViewSet
from .publication import CondaPublicationViewSet
from .repository import CondaRepositoryVersionViewSet, CondaRepositoryViewSet

__all__ = [
    "CondaDistributionViewSet",
    "CondaPackageViewSet",
    "CondaPublicationViewSet",
    "CondaRepositoryVersionViewSet",
    "CondaRepositoryViewSet",
]
