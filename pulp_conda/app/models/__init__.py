"""Models, one file per noun."""

from .distribution import CondaDistribution
from .package import CondaPackage
from .publication import CondaPublication
from .repository import CondaRepository, version_created
from .upload import ADDED, EXISTS, PendingUpload

__all__ = [
    "ADDED",
    "EXISTS",
    "CondaDistribution",
    "CondaPackage",
    "CondaPublication",
    "CondaRepository",
    "PendingUpload",
    "version_created",
]
