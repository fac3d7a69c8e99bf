"""Run mypy; fail on errors, and on rooms with more `Any` than allowed.

`python -m tests.any_expressions`. mypy checks nothing of an expression whose type is `Any`. The
shares are a ratchet: lower one when a room has become better, and raise none.
"""

import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

_CHECKED = ("pulp_conda", "tests", "bin/environment.py")

_MOST_PERCENT = {
    "pulp_conda.formats": 3.0,
    "pulp_conda.server": 1.0,
    "pulp_conda.app.access": 1.0,
    "pulp_conda.app.authentication": 2.0,
    "pulp_conda.app.channels": 6.5,
    "pulp_conda.app.content": 4.5,
    "pulp_conda.app.core": 26.0,
    "pulp_conda.app.models": 7.5,
    "pulp_conda.app.registry": 4.5,
    "pulp_conda.app.serializers": 8.5,
    "pulp_conda.app.tasks": 9.9,
    "pulp_conda.app.upstream": 3.0,
    "pulp_conda.app.viewsets": 9.0,
}
"""How many of a room's expressions may be of the type `Any`."""


def shares(report: str) -> dict[str, float]:
    """Return what percentage of each room's expressions is `Any`, from mypy's report."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in report.splitlines():
        module, *figures = line.split()
        if not module.startswith("pulp_conda") or ".migrations" in module:
            continue
        for room in _MOST_PERCENT:
            if module == room or module.startswith(f"{room}."):
                untyped, all_ = map(int, figures[:2])
                counts[room][0] += untyped
                counts[room][1] += all_
    return {room: 100 * untyped / all_ for room, (untyped, all_) in counts.items() if all_}


def main() -> int:
    """Check; return the status to exit with."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mypy", *_CHECKED, "--any-exprs-report", folder]
        status = subprocess.run(command, check=False).returncode
        if status:
            return status
        report = (Path(folder) / "any-exprs.txt").read_text()
    too_many = {
        room: share for room, share in shares(report).items() if share > _MOST_PERCENT[room]
    }
    for room, share in sorted(too_many.items()):
        print(f"{room}: {share:.1f} % of its expressions are Any, at most {_MOST_PERCENT[room]} %")
    return 1 if too_many else 0


if __name__ == "__main__":
    sys.exit(main())
