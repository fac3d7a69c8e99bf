"""The task that publishes a version."""

from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.channels.index import publish as channel_publish


def publish(repository_version_pk: str, *, checkpoint: bool = False) -> str:
    """Publish a version; return the key of the publication."""
    version = RepositoryVersion.objects.get(pk=repository_version_pk)
    with channel_publish.publishing_report() as report:
        publication = channel_publish.publish(version, checkpoint=checkpoint, report=report)
    return str(publication.pk)
