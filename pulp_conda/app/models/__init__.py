"""Models, one file per noun."""

from .distribution import CondaDistribution
from .package import CondaPackage
from .publication import CondaPublication
from .repository import CondaRepository, version_created
from .upload import PendingUpload

__all__ = [
    "CondaDistribution",
    "CondaPackage",
    "CondaPublication",
    "CondaRepository",
    "PendingUpload",
    "version_created",
]
