"""Runs one of Pulp's programs with failpoints: instants at which it can be made to break.

Run as `python -m tests.functional.failpoints MODULE:FUNCTION ARGUMENTS`. A file in the folder
`FAILPOINTS` with the name of an instant makes the first process that reaches the instant run the
action in the file. The file `NAME.hit` then contains the id of that process. Instants are those of
`pulp_conda.app.failpoints`, and some in pulpcore.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

_REDIS_TASKS = "pulpcore.tasking.redis_tasks"
_IN_PULPCORE = {
    "redis locked": "_pulpcoreworker_execute_task",
    "redis task ended": "safe_release_task_locks",
}
"""Functions of `_REDIS_TASKS` that a process may break before."""

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
    from pulp_conda.app import failpoints

    failpoints.on_reached = _reach
    module = importlib.import_module(_REDIS_TASKS)
    for instant, name in _IN_PULPCORE.items():
        setattr(module, name, _breaking(instant, getattr(module, name)))


def _breaking(instant: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        _reach(instant)
        return function(*args, **kwargs)

    return wrapper


def main() -> None:
    """Run the program; install the failpoints as soon as Django has loaded its applications."""
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
