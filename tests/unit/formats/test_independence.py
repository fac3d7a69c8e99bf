"""The formats are a library that needs no framework, database or network."""

import subprocess
import sys
from pathlib import Path

import pulp_conda.formats

PROGRAM = """
import importlib, pkgutil, sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"django", "rest_framework", "pulpcore", "aiohttp"}:
            raise ImportError(f"formats must not import {name}")
        if name.startswith("pulp_conda.app"):
            raise ImportError(f"formats must not import {name}")

sys.meta_path.insert(0, Wall())
import pulp_conda.formats as formats
names = [m.name for m in pkgutil.walk_packages(formats.__path__, "pulp_conda.formats.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_every_module_imports_without_a_framework() -> None:
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(pulp_conda.formats.__path__[0]).parents[1],
    )
    assert int(found.stdout) >= 15
