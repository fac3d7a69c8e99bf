"""A remote: another server's channel, and how to ask for its files."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from pulpcore.plugin.models import AutoAddObjPermsMixin, EncryptedTextField, Remote

NO_AUTH = "none"
BASIC = "basic"
"""`username` and `password`."""
BEARER = "bearer"
"""`token` in the header `Authorization`."""
PATH_TOKEN = "path_token"  # noqa: S105 (a name)
"""`token` in the path: `/t/TOKEN/` before the channel, as on anaconda.org."""
API_KEY = "api_key"
"""`token` in the header `X-API-Key`, as Quetz reads it."""
AUTH_METHODS = (NO_AUTH, BASIC, BEARER, PATH_TOKEN, API_KEY)

ACCEPT = "accept"
"""A file whose bytes changed under its name replaces the one that the channel has."""
HOLD = "hold"
"""The channel keeps the file that it has, and the sync reports the other one."""
ON_REPLACED = (ACCEPT, HOLD)

DEFAULT_MAX_SHRINK = 20


class CondaRemote(Remote, AutoAddObjPermsMixin):
    """An upstream channel. `url` is the channel's, above its subdirs.

    A sync takes what `include`, `exclude`, `newest`, `max_bytes` and `licenses` let through.
    """

    TYPE = "conda"  # type: ignore[assignment]

    make_download_factory: ClassVar[Callable[["CondaRemote"], Any] | None] = None
    """Set when Django has loaded, because downloads belong to an upper layer."""

    auth = models.TextField(default=NO_AUTH)
    """One of `AUTH_METHODS`."""
    token = EncryptedTextField(null=True)
    """The secret of all methods but `BASIC`. It is sent to the host of `url` only."""
    subdirs = ArrayField(models.TextField(), default=list)
    """Empty for all that the upstream channel has."""
    include = ArrayField(models.TextField(), default=list)
    """MatchSpecs of the packages to take; empty for all."""
    exclude = ArrayField(models.TextField(), default=list)
    """MatchSpecs of packages not to take."""
    newest = models.PositiveIntegerField(null=True)
    """How many versions of each name in a subdir to take; None for all."""
    max_bytes = models.BigIntegerField(null=True)
    """The size of the largest file to take, in bytes; None for no limit."""
    licenses = ArrayField(models.TextField(), default=list)
    """Licences, as records spell them, of the packages to take; empty for all."""
    on_replaced = models.TextField(default=ACCEPT)
    """One of `ON_REPLACED`."""
    max_shrink = models.PositiveIntegerField(default=DEFAULT_MAX_SHRINK)
    """By how many percent a subdir may shrink in one sync."""
    trust_indexed = models.BooleanField(default=True)
    """Whether the upstream's `indexed_timestamp` becomes the channel's."""
    allowed_hosts = ArrayField(models.TextField(), default=list)
    """Further hosts that the upstream's documents may name for files and shards."""

    @property
    def download_factory(self) -> Any:
        """The factory of the downloaders that pulpcore uses, as for the repair of a file."""
        make = type(self).make_download_factory
        return make(self) if make else super().download_factory

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        permissions = [
            ("manage_roles_condaremote", "Can manage role assignments on conda remotes"),
        ]
