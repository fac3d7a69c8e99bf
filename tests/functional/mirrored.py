"""Saves packages without files, and where these can be fetched, as a sync leaves them.

Run as `python -m tests.functional.mirrored` with the settings of a server: it reads lines with
`Mirror` as JSON, and answers each with the paths of the repository and packages in the REST API.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import md5, sha256
from typing import Any

from tests.processes import dies_with_tests


@dataclass
class File:
    """A package file, as its record describes it."""

    filename: str
    size: int
    sha256: str
    md5: str = ""

    @classmethod
    def of(cls, filename: str, body: bytes, *, by_md5: bool = False, sized: bool = True) -> "File":
        """Describe a file."""
        size = len(body) if sized else 0
        if by_md5:
            return cls(filename, size, "", md5(body).hexdigest())
        return cls(filename, size, sha256(body).hexdigest())


@dataclass
class Mirror:
    """What a channel has from upstreams: `noarch` of each of these URLs."""

    channel: str
    urls: list[str]
    files: list[File]
    policy: str = "on_demand"


@contextmanager
def saver(env: Mapping[str, str]) -> Iterator["Saver"]:
    """Run a process that saves mirrors with a server's settings."""
    command = [sys.executable, "-m", "tests.functional.mirrored"]
    with subprocess.Popen(
        command, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=dies_with_tests,
    ) as process:  # fmt: skip
        yield Saver(process)
        assert process.stdin is not None
        process.stdin.close()


@dataclass
class Saver:
    """Saves mirrors."""

    process: "subprocess.Popen[str]"

    def save(self, mirror: Mirror) -> dict[str, Any]:
        """Save a mirror; return the paths of its repository and packages in the REST API."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(asdict(mirror))}\n")
        self.process.stdin.flush()
        saved: dict[str, Any] = json.loads(self.process.stdout.readline())
        return saved


def main() -> None:
    """Save what the lines of the input say."""
    import django

    django.setup()
    from tests.mirrored_rows import save_mirror

    for line in sys.stdin:
        print(json.dumps(save_mirror(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
