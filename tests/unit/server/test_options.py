"""Options come from the command line, and otherwise from the environment."""

import os
from pathlib import Path

import pytest

from pulp_conda.server.configuration import environment
from pulp_conda.server.options import VARIABLES, parse_options


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_the_command_line_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("HOME", "/h"), ("PORT", "81"), ("WORKERS", "3"), ("DOMAINS", "1"),
                        ("ADMIN_PASSWORD", "secret"), ("API_WORKERS", "5")):  # fmt: skip
        monkeypatch.setenv(f"PULP_CONDA_{name}", value)
    options = parse_options(["--port", "82"])
    assert (options.home, options.port, options.workers) == (Path("/h"), 82, 3)
    assert (options.domains, options.admin_password, options.api_workers) == (True, "secret", 5)


def test_a_server_is_for_this_machine_alone_unless_told_otherwise() -> None:
    options = parse_options([])
    assert (options.host, options.port, options.domains) == ("127.0.0.1", 8080, False)
    by_root = Path("/var/lib/pulp_conda/home")
    assert options.home == (
        by_root if os.geteuid() == 0 else Path.home() / ".local/share/pulp_conda"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "http"], "invalid int value: 'http'"),
        (["--workers", "0"], "0 is too few: at least 1 is needed"),
        (["--api-workers", "-1"], "-1 is too few"),
        (["--admin-password", "secret"], "unrecognized arguments: --admin-password"),
        (["--requests-per-address", "-1"], "-1 is negative; 0 sets no bound"),
    ],
)
def test_invalid_options_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options(arguments)
    assert message in capsys.readouterr().err


def test_pulp_does_not_take_our_options_for_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULP_CONDA_ADMIN_PASSWORD", "secret")
    monkeypatch.setenv("PULP_CONDA_DEFAULT_CHANNEL", "stable")
    monkeypatch.setenv("PGHOST", "elsewhere")
    own = environment(Path("/h/settings.py"), has_own_database=False)
    given = environment(Path("/h/settings.py"), has_own_database=True)
    assert "PULP_CONDA_ADMIN_PASSWORD" not in own
    assert own["PULP_CONDA_DEFAULT_CHANNEL"] == "stable"
    assert ("PGHOST" in own, "PGHOST" in given) == (False, True)
