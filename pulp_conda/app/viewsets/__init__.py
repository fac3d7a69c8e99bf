"""Viewsets of the REST API, one file per noun."""

from .distribution import CondaDistributionViewSet
from .guard import CondaContentGuardViewSet
from .notice import CondaNoticeViewSet
from .owner import CondaOwnerViewSet
from .package import CondaPackageViewSet
from .patch import CondaRepodataPatchViewSet
from .publication import CondaPublicationViewSet
from .remote import CondaRemoteViewSet
from .repository import CondaRepositoryVersionViewSet, CondaRepositoryViewSet
from .token import AccessTokenViewSet

__all__ = [
    "AccessTokenViewSet",
    "CondaContentGuardViewSet",
    "CondaDistributionViewSet",
    "CondaNoticeViewSet",
    "CondaOwnerViewSet",
    "CondaPackageViewSet",
    "CondaPublicationViewSet",
    "CondaRemoteViewSet",
    "CondaRepodataPatchViewSet",
    "CondaRepositoryVersionViewSet",
    "CondaRepositoryViewSet",
]
