"""The plugin's Django application."""

from pulpcore.plugin import PulpPluginAppConfig


class PulpCondaPluginAppConfig(PulpPluginAppConfig):
    """Entry point of the conda plugin."""

    name = "pulp_conda.app"
    label = "conda"
    version = "0.1.0.dev0"
    python_package_name = "pulp-conda"
    domain_compatible = True
