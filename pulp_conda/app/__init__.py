"""The plugin's Django application."""

from django.db.models.signals import post_migrate
from pulpcore.plugin import PulpPluginAppConfig


class PulpCondaPluginAppConfig(PulpPluginAppConfig):
    """Entry point of the conda plugin."""

    name = "pulp_conda.app"
    label = "conda"
    version = "0.1.0.dev0"
    python_package_name = "pulp-conda"
    domain_compatible = True

    def ready(self) -> None:
        """Connect versions with what is to be done about them, as models know no upper layer."""
        super().ready()
        # Models can be imported only once Django's applications are loaded.
        from .authentication.logs import hide_tokens
        from .channels.publish import publish_when_wanted
        from .exports import refuse_exports
        from .models import CondaRepository, version_created, versions_exceeded
        from .tasks import dispatch_when_exceeded, schedule_clean_up

        hide_tokens()
        refuse_exports()
        version_created.connect(
            publish_when_wanted, sender=CondaRepository, dispatch_uid="conda.publish"
        )
        versions_exceeded.connect(
            dispatch_when_exceeded, sender=CondaRepository, dispatch_uid="conda.cleanup"
        )
        post_migrate.connect(schedule_clean_up, sender=self, dispatch_uid="conda.schedule")
