"""The plugin's Django application."""

from pulpcore.plugin import PulpPluginAppConfig


class PulpCondaPluginAppConfig(PulpPluginAppConfig):
    """Entry point of the conda plugin."""

    name = "pulp_conda.app"
    label = "conda"
    version = "0.1.0.dev0"
    python_package_name = "pulp-conda"
    domain_compatible = True

    def ready(self) -> None:
        """Connect new versions with their publication, as models know no upper layer."""
        super().ready()
        # Models can be imported only once Django's applications are loaded.
        from .authentication.logs import hide_tokens
        from .channels.publish import publish_when_wanted
        from .models import CondaRepository, version_created

        hide_tokens()
        version_created.connect(
            publish_when_wanted, sender=CondaRepository, dispatch_uid="conda.publish"
        )
