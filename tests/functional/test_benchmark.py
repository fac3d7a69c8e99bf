"""The benchmark of the index works, at a size too small for a result."""

from argparse import Namespace

import pytest

from tests.benchmark.index import measure
from tests.functional.harness import Rest, RunningServer


def test_the_index_benchmark_measures_a_small_channel(
    server: RunningServer, rest: Rest, capsys: pytest.CaptureFixture[str]
) -> None:
    token = rest.create("conda/tokens/", name="benchmark", scopes=["read", "write"])["token"]
    measure(server, token, 200, Namespace(seed=3, rattler=200))
    shown = capsys.readouterr().out
    for figure in ("x floor, peak", "one more, PUT to 201", "rattler.index", "304", "package"):
        assert figure in shown, shown
