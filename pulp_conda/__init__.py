"""A Pulp plugin that hosts Conda channels."""

default_app_config = "pulp_conda.app.PulpCondaPluginAppConfig"
