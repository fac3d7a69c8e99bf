"""The plugin's Django application."""

import importlib.metadata

from django.core.checks import register
from django.db.models.signals import post_migrate, post_save
from pulpcore.plugin import PulpPluginAppConfig

from pulp_conda.malformed import log_malformed_in_one_line


class PulpCondaPluginAppConfig(PulpPluginAppConfig):
    """Entry point of the conda plugin."""

    name = "pulp_conda.app"
    label = "conda"
    python_package_name = "pulp-conda"
    version = importlib.metadata.version(python_package_name)
    domain_compatible = True

    def ready(self) -> None:
        """Connect the signals of models to upper layers, which models must not import.

        pulpcore saves an `AppStatus` when a process starts; its signal runs checks at the start.
        """
        super().ready()
        # Models can only be imported after Django has loaded its applications.
        from .authentication.logs import LOGGERS, hide_tokens
        from .channels.changes.abandoned_tasks import show_presence
        from .channels.index.publish import autopublish
        from .checks import check_api_process, check_networks, check_upload_timeout
        from .exports import refuse_exports
        from .models import CondaRemote, CondaRepository, retention_exceeded, version_created
        from .tasks import dispatch_clean_up_on_commit, schedule_clean_up, schedule_syncs
        from .upstream.downloader import UpstreamDownloads

        CondaRemote.make_download_factory = UpstreamDownloads
        hide_tokens()
        log_malformed_in_one_line(LOGGERS)
        refuse_exports()
        register(check_upload_timeout)
        register(check_networks)
        for received in (show_presence, check_api_process):
            post_save.connect(received, sender="core.AppStatus", dispatch_uid=received.__qualname__)
        version_created.connect(autopublish, sender=CondaRepository, dispatch_uid="conda.publish")
        retention_exceeded.connect(
            dispatch_clean_up_on_commit, sender=CondaRepository, dispatch_uid="conda.cleanup"
        )
        post_migrate.connect(schedule_clean_up, sender=self, dispatch_uid="conda.schedule")
        post_migrate.connect(schedule_syncs, sender=self, dispatch_uid="conda.syncs")
