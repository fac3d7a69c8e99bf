"""Reads what pulpcore's tables say of a repository."""

from typing import Any

from pulpcore.plugin.models import CreatedResource, RepositoryContent, RepositoryVersion

from pulp_conda.app.models import CondaRepository


def described(version: RepositoryVersion) -> dict[str, Any]:
    """Return all that the tables say of a version, with nothing that is each one's own."""
    memberships = RepositoryContent.objects.filter(repository=version.repository)
    return {
        "number": version.number,
        "complete": version.complete,
        "base_version": version.base_version,
        "info": version.info,
        "content_ids": sorted(map(str, version.content_ids)),
        "content": sorted(map(str, version.content.values_list("pk", flat=True))),
        "added": sorted(map(str, version.added().values_list("pk", flat=True))),
        "removed": sorted(map(str, version.removed().values_list("pk", flat=True))),
        "memberships": sorted(
            (str(content), added, removed or 0)
            for content, added, removed in memberships.values_list(
                "content_id", "version_added__number", "version_removed__number"
            )
        ),
        "counts": sorted(version.counts.values_list("count_type", "content_type", "count")),
        "next_version": CondaRepository.objects.get(pk=version.repository_id).next_version,
        "resources": CreatedResource.objects.filter(object_id=version.pk).count(),
    }
