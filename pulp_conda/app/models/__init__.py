"""Models, one file per noun."""

from .change import ADDED, EXISTS, FULL, REMOVAL, REMOVED, RETIRED, UPLOAD, PendingChange
from .channel_name import ChannelName, channel_named, owner_part, shown_base_path, stored_base_path
from .distribution import CondaDistribution
from .fetch import ABSENT, BUSY, FETCHING, REFUSED, UNAVAILABLE, WRONG, UpstreamFile
from .guard import CHALLENGE, REQUESTER, SERVED, CondaContentGuard
from .membership import content_of, in_version, shards_of
from .notice import CondaNotice
from .owner import PRIVATE, VISIBILITIES, CondaOwner, namesake
from .package import NEVER, CondaPackage
from .patch import CondaRepodataPatch
from .publication import CondaPublication
from .remote import (
    ACCEPT,
    API_KEY,
    AUTH_METHODS,
    BASIC,
    BEARER,
    DEFAULT_MAX_SHRINK,
    HOLD,
    NO_AUTH,
    ON_REPLACED,
    PATH_TOKEN,
    CondaRemote,
)
from .repository import (
    ADDITIVE,
    MIRROR,
    SYNC_MODES,
    CondaRepository,
    all_documents,
    default_v3_documents,
    retention_exceeded,
    version_created,
)
from .rights import (
    Requester,
    Right,
    has_right,
    may_announce,
    may_create_in,
    of_owners,
    owners_with,
    owns,
    permitted,
    readable_channels,
    readable_remotes,
    readable_repositories,
)
from .served import (
    publication_of,
    published_version,
    published_versions,
    with_served_version,
)
from .shard import CondaShard, IndexedFile
from .synced import SyncedSubdir, can_be_fetched
from .token import AccessToken
from .withdrawal import Withdrawal

__all__ = [
    "ABSENT",
    "ACCEPT",
    "ADDED",
    "ADDITIVE",
    "API_KEY",
    "AUTH_METHODS",
    "BASIC",
    "BEARER",
    "BUSY",
    "CHALLENGE",
    "DEFAULT_MAX_SHRINK",
    "EXISTS",
    "FETCHING",
    "FULL",
    "HOLD",
    "MIRROR",
    "NEVER",
    "NO_AUTH",
    "ON_REPLACED",
    "PATH_TOKEN",
    "PRIVATE",
    "REFUSED",
    "REMOVAL",
    "REMOVED",
    "REQUESTER",
    "RETIRED",
    "SERVED",
    "SYNC_MODES",
    "UNAVAILABLE",
    "UPLOAD",
    "VISIBILITIES",
    "WRONG",
    "AccessToken",
    "ChannelName",
    "CondaContentGuard",
    "CondaDistribution",
    "CondaNotice",
    "CondaOwner",
    "CondaPackage",
    "CondaPublication",
    "CondaRemote",
    "CondaRepodataPatch",
    "CondaRepository",
    "CondaShard",
    "IndexedFile",
    "PendingChange",
    "Requester",
    "Right",
    "SyncedSubdir",
    "UpstreamFile",
    "Withdrawal",
    "all_documents",
    "can_be_fetched",
    "channel_named",
    "content_of",
    "default_v3_documents",
    "has_right",
    "in_version",
    "may_announce",
    "may_create_in",
    "namesake",
    "of_owners",
    "owner_part",
    "owners_with",
    "owns",
    "permitted",
    "publication_of",
    "published_version",
    "published_versions",
    "readable_channels",
    "readable_remotes",
    "readable_repositories",
    "retention_exceeded",
    "shards_of",
    "shown_base_path",
    "stored_base_path",
    "version_created",
    "with_served_version",
]
