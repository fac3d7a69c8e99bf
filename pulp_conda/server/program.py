"""Runs one of Pulp's programs so that it ends soon, and no process that it forks outlives it.

gunicorn's workers check for their parent only between requests, with our time-out every 450 s.
"""

import atexit
import gc
import importlib
import os
import signal
import sys

from .processes import die_with_parent


def _let_children_die_with_us() -> None:
    ask = die_with_parent(signal.SIGKILL)
    parent = os.getpid()

    def remember_parent() -> None:
        nonlocal parent
        parent = os.getpid()

    def in_child() -> None:
        ask()
        if os.getppid() != parent:  # the parent died before the call
            os._exit(1)

    os.register_at_fork(before=remember_parent, after_in_child=in_child)


def main() -> None:
    """Run `MODULE:FUNCTION`, the first argument, with the others as its arguments."""
    module, _, function = sys.argv.pop(1).partition(":")
    _let_children_die_with_us()
    # Otherwise the interpreter looks for garbage when it ends, for a third of a second.
    atexit.register(gc.freeze)
    getattr(importlib.import_module(module), function)()


if __name__ == "__main__":
    main()
