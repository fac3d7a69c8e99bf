"""The content guard of private channels."""

from pathlib import PurePosixPath
from typing import ClassVar

from aiohttp.web import HTTPForbidden, Request
from django.db import models
from pulpcore.plugin.models import AutoAddObjPermsMixin, ContentGuard
from pulpcore.plugin.util import get_domain_pk

from .channel_name import stored_base_path
from .distribution import CondaDistribution
from .owner import INTERNAL, PUBLIC, CondaOwner
from .rights import Requester

REQUESTER = "conda_requester"
"""Key, in an aiohttp request, of the `Requester` whose credentials this plugin has checked."""

SERVED = "conda_distribution"
"""Key, in an aiohttp request, of the `CondaDistribution` if it was found already."""

CHALLENGE = 'Basic realm="conda", Bearer realm="conda"'
"""The `WWW-Authenticate` header of a 401."""


class _Forbidden(HTTPForbidden, PermissionError):
    """Two classes in one: pulpcore's cache catches the first, its composite guard the second."""


class _Unauthorized(_Forbidden):
    status_code = 401


class _Hidden(_Forbidden):
    status_code = 404


class GuardManager(models.Manager["CondaContentGuard"]):
    """Finds guards."""

    def of_new_channels(self, owner: CondaOwner) -> "CondaContentGuard | None":
        """Return the guard for new channels of an owner, None if new channels are public.

        Only administrators may change the guard, because it protects many channels.
        """
        if owner.visibility == PUBLIC:
            return None
        guard, _ = self.get_or_create(
            owner=owner,
            internal=owner.visibility == INTERNAL,
            defaults={
                "name": f"{owner.visibility} channels of {owner.name} ({owner.pk})",
                "pulp_domain_id": owner.pulp_domain_id,
            },
        )
        return guard


class CondaContentGuard(ContentGuard, AutoAddObjPermsMixin):
    """Lets users read a channel if a role on the channel or on its owner gives them the right.

    One guard may protect many channels. With `internal`, every signed-in user may read them. With
    `hidden`, users who may not read a channel are told that it does not exist. `owner` is set on
    the guards of new channels of a private or internal owner.
    """

    TYPE = "conda"  # type: ignore[assignment]

    hidden = models.BooleanField(default=False)
    internal = models.BooleanField(default=False)
    owner = models.ForeignKey(CondaOwner, null=True, on_delete=models.CASCADE)

    objects: ClassVar[GuardManager] = GuardManager()

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        unique_together = ("owner", "internal")
        permissions = [
            ("manage_roles_condacontentguard", "Can manage role assignments on conda guards"),
        ]

    def permit(self, request: Request) -> None:
        """Check a request of the content app (pulpcore's `ContentGuard.permit`).

        Raises:
            HTTPForbidden: the requester may not read the channel. The status is 404 if the guard
                is hidden, 401 if the requester is not authenticated, and 403 otherwise.
        """
        requester = request.get(REQUESTER) or Requester(request["user"])
        distribution = request.get(SERVED) or _distribution(request.match_info["path"])
        if distribution is not None and requester.may_read(distribution):
            return
        if self.hidden:
            raise _Hidden
        if not requester.user.is_authenticated:
            raise _Unauthorized(headers={"WWW-Authenticate": CHALLENGE})
        raise _Forbidden(reason="You may not read this channel")


def _distribution(path: str) -> CondaDistribution | None:
    """Return the distribution that serves a path below the content app's root."""
    asked = PurePosixPath(path)  # may be the channel's root; aiohttp removed the slash at its end
    folders = [stored_base_path(str(folder)) for folder in (asked, *asked.parents)]
    served = CondaDistribution.objects.filter(base_path__in=folders, pulp_domain_id=get_domain_pk())
    return served.first()  # no base path lies inside another
