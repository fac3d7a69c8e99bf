"""Access policies of views that have looked up the statements together with other facts."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from pulpcore.app.access_policy import AccessPolicyFromDB, DefaultAccessPolicy
from rest_framework.permissions import BasePermission

_Permission = TypeVar("_Permission")


class _Facts(Protocol):
    @property
    def policy(self) -> object: ...


class _View(Protocol):
    facts: _Facts


class _KnownPolicy(AccessPolicyFromDB):
    """Pulpcore's access policy, whose row the view has looked up (`view.facts.policy`)."""

    @classmethod
    def get_access_policy(cls, view: _View) -> object:
        """Return the policy of the row, or the view's own if there is no such row."""
        known = view.facts.policy
        if known is None:
            default: object = DefaultAccessPolicy.get_access_policy(view)
            return default
        return {"statements": known}


def with_known_policy(permissions: Iterable[_Permission]) -> list[_Permission | BasePermission]:
    """Return the permission checks of a view without a query for the access policy.

    Other checks stay as they are: Pulp may be configured to read policies from settings.
    """
    return [_KnownPolicy() if type(each) is AccessPolicyFromDB else each for each in permissions]
