"""Who may do what to a channel: by role on it, on its owner, on the domain, or everywhere."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from pulpcore.plugin.util import get_domain, get_domain_pk

from .channel import ChannelName
from .owner import CondaOwner
from .repository import CondaRepository
from .token import DELETE, READ, WRITE, AccessToken


class Right(StrEnum):
    """What one may do to a channel; named like the permission's verb."""

    READ = "view"
    UPLOAD = "upload"
    REMOVE = "modify"
    CREATE = "create"


_SCOPE = {
    Right.READ: READ,
    Right.UPLOAD: WRITE,
    Right.REMOVE: DELETE,
    Right.CREATE: WRITE,
}
"""The token's scope that each right takes."""

_MODEL_PERMISSIONS = {
    Right.READ: ("conda.view_condarepository",),
    Right.UPLOAD: ("conda.upload_condarepository",),
    Right.REMOVE: ("conda.modify_condarepository",),
    Right.CREATE: ("conda.add_condarepository", "conda.add_condadistribution"),
}
"""What a role in the domain or everywhere must give for each right."""


@dataclass(frozen=True, slots=True)
class Requester:
    """The one who asks, and the token that narrows what he may do."""

    user: Any
    token: AccessToken | None = None

    def may(self, right: Right, channel: ChannelName, repository: CondaRepository | None) -> bool:
        """Tell whether he has a right to a channel; without `repository` there is none yet."""
        if not self.user.is_authenticated or not self._token_covers(right, channel):
            return False
        return _has_right(self.user, right, channel, repository)

    def may_put(self, channel: ChannelName, repository: CondaRepository | None) -> bool:
        """Tell whether he may upload to a channel, which may first have to be created."""
        if repository is not None or settings.CONDA_CHANNEL_CREATION == "publishers":
            return self.may(Right.UPLOAD, channel, repository)
        return self.may(Right.CREATE, channel, None)

    def _token_covers(self, right: Right, channel: ChannelName) -> bool:
        token = self.token
        return token is None or token.covers(_SCOPE[right], channel.owner, channel.name)


def _has_right(
    user: Any, right: Right, channel: ChannelName, repository: CondaRepository | None
) -> bool:
    if user.is_superuser:
        return True
    owner = CondaOwner.objects.filter(name=channel.owner, pulp_domain_id=get_domain_pk()).first()
    if owner is None:
        # An organisation was given the name by an administrator; a user may just be called so.
        if not settings.DOMAIN_ENABLED and user.username == channel.owner:
            return True
    elif user.has_perm(f"conda.{right}_condaowner", owner):
        return True
    if repository is not None and user.has_perm(f"conda.{right}_condarepository", repository):
        return True
    needed = _MODEL_PERMISSIONS[right]
    return any(
        all(user.has_perm(permission, scope) for permission in needed)
        for scope in (None, get_domain())
    )
