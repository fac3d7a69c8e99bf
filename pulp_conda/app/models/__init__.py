"""Models, one file per noun."""

from .channel import ChannelName, channel_named
from .distribution import CondaDistribution
from .guard import CHALLENGE, REQUESTER, SERVED, CondaContentGuard
from .notice import CondaNotice
from .owner import CondaOwner
from .package import NEVER, CondaPackage
from .patch import CondaRepodataPatch
from .publication import CondaPublication
from .repository import (
    CondaRepository,
    all_documents,
    default_v3_documents,
    version_created,
    versions_exceeded,
)
from .rights import (
    Requester,
    Right,
    may_announce,
    owned_repositories,
    owns,
    readable_channels,
)
from .shard import CondaShard, IndexedFile
from .token import AccessToken
from .upload import ADDED, EXISTS, FULL, RETIRED, PendingUpload

__all__ = [
    "ADDED",
    "CHALLENGE",
    "EXISTS",
    "FULL",
    "NEVER",
    "REQUESTER",
    "RETIRED",
    "SERVED",
    "AccessToken",
    "ChannelName",
    "CondaContentGuard",
    "CondaDistribution",
    "CondaNotice",
    "CondaOwner",
    "CondaPackage",
    "CondaPublication",
    "CondaRepodataPatch",
    "CondaRepository",
    "CondaShard",
    "IndexedFile",
    "PendingUpload",
    "Requester",
    "Right",
    "all_documents",
    "channel_named",
    "default_v3_documents",
    "may_announce",
    "owned_repositories",
    "owns",
    "readable_channels",
    "version_created",
    "versions_exceeded",
]
