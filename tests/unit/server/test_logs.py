"""A full log is rotated while its process goes on writing, and old logs are deleted."""

import subprocess
import sys
from pathlib import Path

from pulp_conda.server.logs import rotate

_WRITER = "for line in iter(input, ''): print(line, flush=True)"


def test_a_full_log_is_rotated(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    assert not rotate(log, 10)
    with log.open("ab") as output:
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER], stdin=subprocess.PIPE, stdout=output, text=True
        )
    assert writer.stdin is not None
    for number in range(8):
        print(f"message {number}", file=writer.stdin, flush=True)
        while f"message {number}" not in log.read_text():
            assert writer.poll() is None
        assert rotate(log, 10) == (len(f"message {number}\n") >= 10)
    writer.communicate("\n")
    assert log.read_text() == ""
    found = {path.name: path.read_text() for path in tmp_path.glob("api.log.*")}
    assert found == {f"api.log.{number}": f"message {8 - number}\n" for number in range(1, 6)}
