"""Access tokens: what a user gives to a client in place of a password."""

import hashlib
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from pulpcore.plugin.models import BaseModel

from pulp_conda.app.core.identity import WorkloadIdentityPrincipal

READ, WRITE, DELETE = "read", "write", "delete"
SCOPES = (READ, WRITE, DELETE)
"""What a token may be good for."""

_USE_NOTED_EVERY = timedelta(minutes=1)


class TokenManager(models.Manager["AccessToken"]):
    """Finds tokens by what their holders present."""

    def find(self, secret: str) -> "AccessToken | None":
        """Return the token that a client presents if it is still good for anything."""
        return self.usable().filter(digest=digest_of(secret)).first()

    def usable(self) -> "models.QuerySet[AccessToken]":
        """Return the tokens that are still good for anything."""
        usable = (
            self.select_related("user")
            .filter(Q(expires=None) | Q(expires__gt=now()))
            .filter(Q(user=None) | Q(user__is_active=True))
        )
        longest = longest_life()
        # A limit that is set later holds for older tokens too.
        return usable.filter(pulp_created__gt=now() - longest) if longest else usable


class AccessToken(BaseModel):
    """What a client may do in a user's name; only a digest of the token itself is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE)
    # What a CI job's identity earned it, in place of a user (pulpcore's WORKLOAD_IDENTITY).
    grants = models.JSONField(default=list)
    name = models.TextField()
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.TextField())
    bound_to = ArrayField(models.TextField(), default=list)
    expires = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)

    objects = TokenManager()

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        unique_together = ("user", "name")

    @property
    def principal(self) -> Any:
        """The user, or the CI job, in whose name the client acts."""
        # Without the name from its claims: a user's namespace goes by his name.
        return self.user or WorkloadIdentityPrincipal(self.grants)

    def covers(self, scope: str, owner: str, channel: str) -> bool:
        """Tell whether the token is good for something in a channel of an owner."""
        return scope in self.scopes and (
            not self.bound_to or any(_fits(name, owner, channel) for name in self.bound_to)
        )

    def note_use(self) -> None:
        """Record the time of use, exact to a minute: reading packages must not cost writes."""
        recently = now() - _USE_NOTED_EVERY
        if self.last_used is None or self.last_used < recently:
            type(self).objects.filter(pk=self.pk).update(last_used=now())

    @classmethod
    def create(cls, secret: str, **fields: Any) -> Self:
        """Save a token, given the secret that is shown once and kept as a digest."""
        token = cls(digest=digest_of(secret), **fields)
        token.save()
        return token


def longest_life() -> timedelta | None:
    """Return how long a token lasts at most; None if there is no limit."""
    seconds = settings.CONDA_TOKEN_MAX_SECONDS
    return timedelta(seconds=seconds) if seconds else None


def _fits(name: str, owner: str, channel: str) -> bool:
    """Tell whether a name in `bound_to` means a channel: owners are found in any case."""
    bound_owner, slash, bound_channel = name.partition("/")
    is_owner = bound_owner.casefold() == owner.casefold()
    return is_owner and (not slash or bound_channel == channel)


def digest_of(secret: str) -> str:
    """Return what is kept of a token's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
