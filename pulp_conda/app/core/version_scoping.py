"""Cures a gap in pulpcore: the list of all repository versions is not scoped.

`ListRepositoryVersionViewSet` defines `scope_queryset`, but derives from DRF's `GenericViewSet`
and not from `NamedModelViewSet`, whose `get_queryset` would call it. So every user sees the
versions of every repository, in every domain. Upstream would cure it by that base class.
"""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from pulpcore.app.viewsets.repository import ListRepositoryVersionViewSet
from pulpcore.plugin.models import RepositoryVersion


def scope_repository_versions() -> None:
    """Let the list of all versions show those of repositories that the user may see."""
    if getattr(ListRepositoryVersionViewSet, "_scoped_by_conda", False):
        return
    unscoped = ListRepositoryVersionViewSet.get_queryset

    def get_queryset(view: Any) -> QuerySet[RepositoryVersion]:
        versions = unscoped(view)
        request = getattr(view, "request", None)
        if request is None:  # the description of the API is made
            return versions
        if settings.DOMAIN_ENABLED:
            versions = versions.filter(repository__pulp_domain=request.pulp_domain)
        return view.scope_queryset(versions)

    ListRepositoryVersionViewSet.get_queryset = get_queryset  # type: ignore[method-assign]
    ListRepositoryVersionViewSet._scoped_by_conda = True  # type: ignore[attr-defined]
