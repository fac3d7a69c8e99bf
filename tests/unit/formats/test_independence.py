"""The formats are a library: they need neither Django nor pulpcore."""

import subprocess
import sys

_PROGRAM = """
import sys
for name in ("django", "pulpcore", "rest_framework", "pulp_conda.app"):
    sys.modules[name] = None
import pkgutil, importlib, pulp_conda.formats as formats
found = [m.name for m in pkgutil.walk_packages(formats.__path__, "pulp_conda.formats.")]
for name in found:
    importlib.import_module(name)
print(len(found))
"""


def test_every_module_of_formats_imports_without_django() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], check=True, capture_output=True, text=True
    )
    assert int(done.stdout) > 10
