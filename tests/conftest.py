"""Fixtures of all tests: one seed, on which all random choices depend."""

import os
import random

import pytest

_VARIABLE = "PULP_CONDA_TEST_SEED"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option by which a run is repeated."""
    parser.addoption(
        "--seed",
        default=os.environ.get(_VARIABLE) or os.urandom(4).hex(),
        help=f"what random choices follow from (default: ${_VARIABLE}, or a new one)",
    )


def pytest_report_header(config: pytest.Config) -> str:
    """Say how to repeat the run."""
    return f"random choices: --seed {config.getoption('seed')}"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> str:
    """The seed of one test. It differs between tests, and does not depend on which tests run."""
    given = request.config.getoption("seed")
    print(f"repeat with --seed {given}")  # shown if the test fails
    return f"{given}:{request.node.nodeid}"


@pytest.fixture
def chance(seed: str) -> random.Random:
    """The random choices of one test."""
    return random.Random(seed)
