"""Work around a bug in pulpcore: the list of all repository versions is not scoped.

`ListRepositoryVersionViewSet` defines `scope_queryset`, but derives from DRF's `GenericViewSet` and
not from `NamedModelViewSet`, whose `get_queryset` would call it. So every user sees the versions of
every repository, in every domain. A fix in pulpcore would use that base class.
"""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from pulpcore.app.viewsets.repository import ListRepositoryVersionViewSet
from pulpcore.plugin.models import RepositoryVersion


def scope_repository_versions() -> None:
    """Limit the list of all versions to repositories that the user may see."""
    if getattr(ListRepositoryVersionViewSet, "_scoped_by_conda", False):
        return
    unscoped = ListRepositoryVersionViewSet.get_queryset

    def get_queryset(view: Any) -> QuerySet[RepositoryVersion]:
        versions = unscoped(view)
        request = getattr(view, "request", None)
        if request is None:  # drf-spectacular generates the schema of the API
            return versions
        if settings.DOMAIN_ENABLED:
            versions = versions.filter(repository__pulp_domain=request.pulp_domain)
        return view.scope_queryset(versions)

    ListRepositoryVersionViewSet.get_queryset = get_queryset  # type: ignore[method-assign]
    ListRepositoryVersionViewSet._scoped_by_conda = True  # type: ignore[attr-defined]
