"""The version is stored in one place."""

import importlib.metadata
import tomllib
from pathlib import Path

from pulp_conda.app import PulpCondaPluginAppConfig

_PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def test_pip_and_pulp_report_the_same_version() -> None:
    said = tomllib.loads(_PROJECT.read_text())["project"]["version"]
    assert importlib.metadata.version("pulp-conda") == said
    assert PulpCondaPluginAppConfig.version == said
