"""Access tokens, which users give to clients in place of a password."""

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
"""The scopes that a token may have."""

_USE_RECORDED_EVERY = timedelta(minutes=1)


class TokenManager(models.Manager["AccessToken"]):
    """Finds tokens."""

    def find(self, secret: str) -> "AccessToken | None":
        """Return the token of a secret, None if there is none that is still valid."""
        return self.usable().filter(digest=digest_of(secret)).first()

    def usable(self) -> "models.QuerySet[AccessToken]":
        """Return the tokens that are still valid."""
        usable = (
            self.select_related("user")
            .filter(Q(expires=None) | Q(expires__gt=now()))
            .filter(Q(user=None) | Q(user__is_active=True))
        )
        longest = longest_life()
        # A limit that is set later also holds for tokens that were made before.
        return usable.filter(pulp_created__gt=now() - longest) if longest else usable


class AccessToken(BaseModel):
    """The rights of a client that acts for a user. Only a digest of the secret is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE)
    # The permissions of a CI job, in place of a user (pulpcore's WORKLOAD_IDENTITY).
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
        """The user or the CI job that the client acts for."""
        # The name from a CI job's claims is left out, because a namespace with the name of a user
        # belongs to that user.
        return self.user or WorkloadIdentityPrincipal(self.grants)

    def covers(self, scope: str, owner: str, channel: str) -> bool:
        """Return whether the token has a scope in a channel of an owner."""
        return scope in self.scopes and (
            not self.bound_to or any(_fits(name, owner, channel) for name in self.bound_to)
        )

    def record_use(self) -> None:
        """Record the time of use to the minute, so that few reads of packages cost a write."""
        recently = now() - _USE_RECORDED_EVERY
        if self.last_used is None or self.last_used < recently:
            type(self).objects.filter(pk=self.pk).update(last_used=now())

    @classmethod
    def create(cls, secret: str, **fields: Any) -> Self:
        """Save a token by the digest of its secret."""
        token = cls(digest=digest_of(secret), **fields)
        token.save()
        return token


def longest_life() -> timedelta | None:
    """Return how long a token lasts at most; None if there is no limit."""
    seconds = settings.CONDA_TOKEN_MAX_SECONDS
    return timedelta(seconds=seconds) if seconds else None


def _fits(name: str, owner: str, channel: str) -> bool:
    """Return whether a name in `bound_to` covers a channel. The owner's case does not matter."""
    bound_owner, slash, bound_channel = name.partition("/")
    is_owner = bound_owner.casefold() == owner.casefold()
    return is_owner and (not slash or bound_channel == channel)


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a token's secret, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()
