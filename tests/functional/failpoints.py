"""Runs one of Pulp's programs so that it can be told to break at an instant.

`python -m tests.functional.failpoints MODULE:FUNCTION ARGUMENTS`. In the folder `FAILPOINTS` a file
that bears an instant's name makes the first process that gets there do what the file says. The
file `NAME.hit` then has its process id.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

_APP = "pulp_conda.app"

INSTANTS = {
    "task saved": (f"{_APP}.tasks.dispatching", "_takes_off"),
    "task running": (f"{_APP}.tasks.dispatching", "_run"),
    "commit made": (f"{_APP}.channels.changes.commit", "_record_outcomes"),
    "removal made": (f"{_APP}.channels.changes.commit", "publish"),
    "version made": (f"{_APP}.models.repository", "CondaRepository.finalize_new_version"),
    "committed": ("pulpcore.app.models", "Task.set_completed"),
    "task ended": (f"{_APP}.tasks.dispatching", "wake_workers"),
    "redis locked": ("pulpcore.tasking.redis_tasks", "_pulpcoreworker_execute_task"),
    "redis task ended": ("pulpcore.tasking.redis_tasks", "safe_release_task_locks"),
}
"""The functions before which a process may break."""

_SIGNALS: dict[str, Callable[[], None]] = {
    "die": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}


def _die_with_parent() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


_ACTIONS = {**_SIGNALS, "die with parent": _die_with_parent}


def _reach(instant: str) -> None:
    order = Path(os.environ["FAILPOINTS"], instant)
    hit = order.with_suffix(".hit")
    taken = order.with_suffix(f".{os.getpid()}")
    try:
        order.rename(taken)
    except FileNotFoundError:
        return
    action = taken.read_text()
    taken.write_text(str(os.getpid()))
    taken.rename(hit)
    _ACTIONS[action]()


def _install() -> None:
    for instant, (module, path) in INSTANTS.items():
        *owners, name = path.split(".")
        owner: Any = importlib.import_module(module)
        for part in owners:
            owner = getattr(owner, part)
        setattr(owner, name, _breaking(instant, getattr(owner, name)))


def _breaking(instant: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        _reach(instant)
        return function(*args, **kwargs)

    return wrapper


def main() -> None:
    """Run the program; the functions can be wrapped once Django's applications are loaded."""
    from django.apps import apps

    loaded = apps.populate

    def populate(installed: Any) -> None:
        was_ready = apps.ready
        loaded(installed)
        if not was_ready:
            _install()

    setattr(apps, "populate", populate)  # noqa: B010 (mypy knows it for a method)
    module, _, function = sys.argv.pop(1).partition(":")
    getattr(importlib.import_module(module), function)()


if __name__ == "__main__":
    main()
