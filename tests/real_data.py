"""Real packages and records, which are too large to lie in the repository.

`docs/dev/testing.md` says what belongs there. Tests that need them are skipped without, and say so.
"""

import os
from pathlib import Path

import pytest

_VARIABLE = "PULP_CONDA_TEST_DATA"
_BESIDE_THE_CHECKOUT = Path(__file__).parents[2] / "shared" / "data"
_FOLDER = Path(os.environ.get(_VARIABLE) or _BESIDE_THE_CHECKOUT)

needs_real_packages, needs_real_records = (
    pytest.mark.skipif(
        not any((_FOLDER / kind).glob("*/*")),
        reason=f"no real {kind} in {_FOLDER} (docs/dev/testing.md, {_VARIABLE})",
    )
    for kind in ("packages", "repodata")
)


def real_packages() -> list[Path]:
    """Return package files, of several subdirs."""
    return sorted((_FOLDER / "packages").glob("*/*"))


def real_repodata(subdir: str = "*") -> list[Path]:
    """Return the documents `repodata.json.zst` of channels, by subdir."""
    return sorted((_FOLDER / "repodata").glob(f"{subdir}/*"))
