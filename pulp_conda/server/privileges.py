"""Giving up root's privileges at the start, after the steps that only root can take."""

import sys
from pathlib import Path

from .account import Account
from .home import Home


def give_up_root(home: Home, account: Account, settings: Path | None) -> str | None:
    """Make an account the owner of the home, and switch to it; the port is open already.

    Returns:
        The reason why that is impossible, or None. With a reason, all processes but PostgreSQL
        run as root.

    Raises:
        ServerError: the folder is used for something else.
    """
    home.check()
    obstacle = _obstacle(home, account, settings)
    if obstacle is None:
        home.path.mkdir(parents=True, exist_ok=True)
        account.own(home.path)
        account.become()
    return obstacle


def _obstacle(home: Home, account: Account, settings: Path | None) -> str | None:
    if account.other is None or not account.is_ours:
        return "useradd is not here to make a user for them"
    if home.is_made and home.path.stat().st_uid != account.other.pw_uid:
        return f"{home.path} was made by another user"
    if not account.can_run([sys.executable, "-P", "-c", "import pulpcore, pulp_conda.server"]):
        return f"other users cannot run the Python of {sys.prefix}"
    if not account.can_enter(_existing(home.path)):
        return f"other users cannot enter {_existing(home.path)}"
    if settings and not account.can_run(["test", "-r", str(settings)]):
        return f"other users cannot read {settings}"
    return None


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
