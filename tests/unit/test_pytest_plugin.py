"""Other plugins can use the fixtures of this plugin, with those of pulpcore that they need."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.unit.formats.packages import read_tar

_FIXTURES = (
    "conda_bindings",
    "conda_repository_factory",
    "conda_distribution_factory",
    "conda_publication_factory",
    "conda_package_file_factory",
    "conda_package_factory",
)


def test_the_fixtures_are_found_with_their_dependencies(tmp_path: Path) -> None:
    (tmp_path / "test_other_plugin.py").write_text(f"def test_it({', '.join(_FIXTURES)}): ...\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "--setup-plan", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [name for name in _FIXTURES if f" {name}" not in done.stdout] == []


def test_the_package_that_is_written_is_valid(
    conda_package_file_factory: Callable[..., Path],
) -> None:
    path = conda_package_file_factory(name="tool", depends=["python >=3.11"])
    contents = read_tar(path.read_bytes())
    assert path.name == "tool-1.0-0.tar.bz2"
    assert contents.subdir == "noarch"
