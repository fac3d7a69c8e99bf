"""What the server can be told, on the command line or by environment."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DEFAULT_HOME = Path("~/.local/share/pulp_conda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a server is to run."""

    home: Path
    host: str
    port: int
    """0 takes a free one."""
    workers: int
    api_workers: int
    content_workers: int
    admin_password: str | None
    domains: bool


class ServerError(Exception):
    """The server cannot start or run; the message says why and what to do."""


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read options from the arguments, and what they leave out from `PULP_CONDA_*` variables."""
    parser = argparse.ArgumentParser(
        prog="serve",
        description="Run a conda server: Pulp with pulp_conda, and PostgreSQL, on one origin.",
        epilog="Every option can be given by environment too: --port as PULP_CONDA_PORT, and so "
        "on. Pulp's own settings: PULP_... variables, or settings.local.py in the home.",
    )

    def add(name: str, kind: type, default: object, text: str) -> None:
        variable = "PULP_CONDA_" + name.strip("-").replace("-", "_").upper()
        given = os.environ.get(variable)
        parser.add_argument(name, type=kind, default=given or default, help=text)

    home_help = "folder for all data, keys and logs (default: %(default)s)"
    add("--home", Path, os.environ.get("PULP_CONDA_HOME", _DEFAULT_HOME), home_help)
    add("--host", str, "127.0.0.1", "address to listen on (default: %(default)s)")
    add("--port", int, 8080, "port to listen on, 0 for a free one (default: %(default)s)")
    add("--workers", int, 2, "processes that work on tasks (default: %(default)s)")
    add("--api-workers", int, 4, "processes that take uploads and API calls (%(default)s)")
    add("--content-workers", int, 2, "processes that serve channels (default: %(default)s)")
    add("--admin-password", str, None, "password of the user admin (default: kept, or made up)")
    parser.add_argument(
        "--domains",
        action="store_true",
        default=os.environ.get("PULP_CONDA_DOMAINS", "").lower() in ("1", "true", "yes"),
        help="serve several domains; an owner of channels is then a domain",
    )
    given = parser.parse_args(arguments)
    return Options(**{**vars(given), "home": given.home.expanduser().absolute()})
