"""The guard of private channels."""

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
"""Key of the `Requester` in an aiohttp request whose credentials we have checked ourselves."""

SERVED = "conda_distribution"
"""Key of the `CondaDistribution` in an aiohttp request for which it was found already."""

CHALLENGE = 'Basic realm="conda", Bearer realm="conda"'
"""The `WWW-Authenticate` header of a 401."""


class _Refused(HTTPForbidden, PermissionError):
    """Both that pulpcore knows: its cache and its composite guard each look for another one."""


class _Unauthorized(_Refused):
    status_code = 401


class _Hidden(_Refused):
    status_code = 404


class GuardManager(models.Manager["CondaContentGuard"]):
    """Finds guards."""

    def of_new_channels(self, owner: CondaOwner) -> "CondaContentGuard | None":
        """Return the guard of channels that are created for an owner now; None for public ones.

        Nobody but an administrator may change it: whoever could would open the channels of others.
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
    """Lets those read a channel who have the right to, by role on it or on its owner.

    One guard serves any number of channels. With `internal` every signed-in user may read them.
    One that is `hidden` denies that there is a channel to everybody who may not read it. `owner`
    is set on the guards that new channels of a private or internal owner get.
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
        """Let a request of the content app pass (pulpcore `ContentGuard.permit`).

        Raises:
            HTTPForbidden: with status 401 for those who did not say who they are, 404 for those
                who are not to know, and 403 for the others.
        """
        requester = request.get(REQUESTER) or Requester(request["user"])
        distribution = request.get(SERVED) or _distribution(request.match_info["path"])
        if distribution is not None and requester.may_read(distribution):
            return
        if self.hidden:
            raise _Hidden
        if not requester.user.is_authenticated:
            raise _Unauthorized(headers={"WWW-Authenticate": CHALLENGE})
        raise _Refused(reason="You may not read this channel")


def _distribution(path: str) -> CondaDistribution | None:
    """Return the distribution that serves a path below the content app's root."""
    asked = PurePosixPath(path)  # which may be the channel's root, without its slash by now
    folders = [stored_base_path(str(folder)) for folder in (asked, *asked.parents)]
    served = CondaDistribution.objects.filter(base_path__in=folders, pulp_domain_id=get_domain_pk())
    return served.first()  # no base path lies inside another
