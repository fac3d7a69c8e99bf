"""`python -m pulp_conda.server`: run a server until it is told to stop."""

import contextlib
import shlex
import signal
import sys
import time
from types import FrameType

from .connections import raise_file_limit
from .options import Options, ServerError, parse_options
from .server import Server

_SUPERVISE_SECONDS = 0.2
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Stopped(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    # Only once, so that a second Ctrl-C does not interrupt the shutdown.
    for number in (*_STOP_SIGNALS, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise _Stopped


def _say(message: str) -> None:
    # The reader may have gone, as in `bin/serve | head`; the server continues.
    with contextlib.suppress(BrokenPipeError):
        print(message, flush=True)


def _new_password(server: Server) -> tuple[str, ...]:
    if server.made_up_password is None:
        return ()
    return (
        "",
        f"The user admin has the password {server.made_up_password} (printed once)",
    )


def _next_steps(server: Server, options: Options) -> str:
    owner = "default" if options.domains else "admin"
    alias = f"{server.origin}/api/packages/{owner}/conda"
    channel = f"{alias}/main"
    netrc = shlex.quote(str(server.netrc))
    return "\n".join(
        (
            *_new_password(server),
            "",
            "Upload a package and install it:",
            "",
            "  PACKAGE=path/to/a/package.conda",
            f'  curl --fail-with-body --netrc-file {netrc} --upload-file "$PACKAGE" '
            f'{channel}/"$(basename "$PACKAGE")"',
            f"  conda create --name demo --override-channels --channel {channel} "
            '"$(basename "$PACKAGE" | sed \'s/-[^-]*-[^-]*$//\')"',
            "",
            "To install by name from then on, write into .condarc:",
            f"  channel_alias: {alias}",
            "  channels: [main]",
            "  default_channels: []",
            "",
            f"Pulp's REST API: {server.origin}/pulp/api/v3/   Data, keys and logs: {options.home}",
        )
    )


def main() -> int:
    """Run a server until a signal stops it; return the exit status."""
    options = parse_options()
    raise_file_limit()
    for number in _STOP_SIGNALS:
        signal.signal(number, _on_signal)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        signal.signal(signal.SIGHUP, _on_signal)
    server = Server(options, _say)
    try:
        server.start()
        _say(f"ready: {server.origin}")
        _say(_next_steps(server, options))
        while True:
            server.supervise()
            time.sleep(_SUPERVISE_SECONDS)
    except _Stopped:
        _say("stopping")
        return 0
    except ServerError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
