"""Options of the server, from the command line or from environment variables."""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a server."""

    home: Path
    host: str
    port: int
    """0 means any free port."""
    workers: int
    api_workers: int
    content_workers: int
    requests_per_address: int
    """How many requests of one address may be in progress at a time; 0 sets no limit."""
    admin_password: str | None
    """Only from the environment, because every user of the machine may read a command line."""
    domains: bool


class ServerError(Exception):
    """The server cannot start or run; the message says why and what to do."""


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few: at least 1 is needed")
    return number


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative; 0 sets no bound")
    return number


_VALUES: tuple[tuple[str, Callable[[str], object], str | None, str], ...] = (
    ("home", Path, None, "folder for all data, keys and logs"),
    ("host", str, "127.0.0.1", "address to listen on"),
    ("port", int, "8080", "port to listen on, 0 for a free one"),
    ("workers", _at_least_one, "2", "processes that work on tasks"),
    ("api-workers", _at_least_one, "8", "processes that take uploads and API calls"),
    ("content-workers", _at_least_one, "2", "processes that serve channels"),
    (
        "requests-per-address",
        _not_negative,
        "512",
        "requests of one address at a time, 0 for no bound; set 0 behind a web server of yours",
    ),
)


def _variable(name: str) -> str:
    return "PULP_CONDA_" + name.replace("-", "_").upper()


_PASSWORD = _variable("admin-password")

VARIABLES = frozenset(
    (*(_variable(value[0]) for value in _VALUES), _variable("domains"), _PASSWORD)
)
"""The environment variables of all options."""


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read options from the arguments, and missing ones from `PULP_CONDA_*` variables."""
    parser = argparse.ArgumentParser(
        prog="serve",
        description="Run a conda server: Pulp with pulp_conda, and PostgreSQL, on one origin.",
        epilog="Every option can be given by environment too: --port as PULP_CONDA_PORT, and so "
        f"on. {_PASSWORD} sets the password of the user admin, which is generated "
        "otherwise. Pulp's own settings: PULP_... variables, or settings.local.py in the home. A "
        "database named by PULP_DATABASES__default__HOST and the like is used instead of our own.",
    )
    for name, kind, default, text in _VALUES:
        parser.add_argument(
            f"--{name}",
            type=kind,
            default=os.environ.get(_variable(name)) or default or _default_home(),
            help=f"{text} (default: %(default)s)",
        )
    parser.add_argument(
        "--domains",
        action="store_true",
        default=os.environ.get(_variable("domains"), "").lower() in ("1", "true", "yes"),
        help="serve several domains; an owner of channels is then a domain",
    )
    given = parser.parse_args(arguments)
    home = given.home.expanduser().absolute()
    password = os.environ.get(_PASSWORD) or None
    return Options(**{**vars(given), "home": home, "admin_password": password})


def _default_home() -> str:
    # The user that the server switches to cannot enter root's home folder.
    return "/var/lib/pulp_conda/home" if os.geteuid() == 0 else "~/.local/share/pulp_conda"
