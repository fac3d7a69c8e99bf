"""Files on demand: `python -m tests.benchmark.on_demand [--files 10] [--rate 120]`.

Starts a server of its own with one content process, and a static file server as its upstream. Each
file is got in turn from the upstream directly, through the server while it is cold, and again when
it is warm; a hosted package of the same size is got beside them. With `--rate` the upstream sends
so many MiB a second, as over a network; without it, the kernel copies its files over the loopback,
which no process that computes a digest can follow. Figures are for comparison, never pass or fail.
"""

import argparse
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.benchmark.serving import Connection
from tests.functional.harness import Rest, RunningServer, wait_for
from tests.functional.mirrored import File, Mirror, saver
from tests.processes import dies_with_tests

_OWNER, _CHANNEL, _HOSTED = "bench", "main", "hosted"
_CHUNK_BYTES = 256 * 1024
_UPSTREAM = """
import asyncio, pathlib, sys, time
from aiohttp import web
folder, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
asked = []
async def paced(request):
    path = pathlib.Path(folder, "noarch", request.match_info["name"])
    body = await asyncio.to_thread(path.read_bytes)
    response = web.StreamResponse()
    response.content_length = len(body)
    await response.prepare(request)
    began = time.monotonic()
    for position in range(0, len(body), 65536):
        await response.write(body[position : position + 65536])
        await asyncio.sleep(max(0, began + position / rate / 1024**2 - time.monotonic()))
    return response
async def note(request):
    return web.json_response(asked)
@web.middleware
async def noted(request, handler):
    if request.path != "/asked":
        asked.append(request.path)
    return await handler(request)
app = web.Application(middlewares=[noted])
app.router.add_get("/asked", note)
if rate:
    app.router.add_get("/noarch/{name}", paced)
else:
    app.router.add_static("/", folder)
web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)
"""


class Taken(NamedTuple):
    """The time until the first byte of a body, and until the last one, in milliseconds."""

    first: float
    all: float


def taken(connection: http.client.HTTPConnection, path: str, size: int) -> Taken:
    """Get a file, and forget it."""
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 200, (path, answer.status, answer.read(500))
    buffer = bytearray(_CHUNK_BYTES)
    count = answer.readinto(buffer)
    first = time.perf_counter()
    while more := answer.readinto(buffer):
        count += more
    end = time.perf_counter()
    assert count == size, (path, count)
    return Taken((first - began) * 1000, (end - began) * 1000)


@contextmanager
def static_upstream(folder: Path, rate: float) -> Iterator[str]:
    """Serve the files in a folder; yield the origin."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", _UPSTREAM, str(folder), str(port), str(rate)]
    process = subprocess.Popen(command, preexec_fn=dies_with_tests)

    def is_ready() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(is_ready)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def prepare(server: RunningServer, rest: Rest, folder: Path, origin: str, files: int) -> list[str]:
    """Put files into the upstream, and their records into a channel; return their names.

    A second channel hosts the first file.
    """
    names = [f"demo{number}-1.0-0.conda" for number in range(files + 1)]
    env = {
        **os.environ,
        "PULP_SETTINGS": str(server.home / "settings.py"),
        "DJANGO_SETTINGS_MODULE": "pulpcore.app.settings",
    }
    described = [File.of(name, (folder / "noarch" / name).read_bytes()) for name in names]
    with saver(env) as saves:
        for channel, part in ((_CHANNEL, described[1:]), (_HOSTED, described[:1])):
            saved = saves.save(Mirror(f"{_OWNER}/{channel}", [origin], part))
            body = {"add_content_units": saved["packages"]}
            rest.wait(rest.request("POST", f"{saved['repository']}modify/", json=body))
    return names


def measure(files: int, megabytes: int, rate: float, home: Path) -> None:
    """Print the medians, and their ratios."""
    size, folder = megabytes * 1024**2, home / "files"
    (folder / "noarch").mkdir(parents=True)
    for number in range(files + 1):
        (folder / "noarch" / f"demo{number}-1.0-0.conda").write_bytes(os.urandom(size))
    server = RunningServer(
        home / "home",
        arguments=("--content-workers", "1"),
        env={"PULP_CONDA_UPSTREAM_ALLOWED_NETWORKS": '["127.0.0.0/8"]'},
    ).start()
    try:
        with static_upstream(folder, rate) as origin:
            names = prepare(server, Rest(server), folder, origin, files)
            report(times(server, origin, names, size), size)
            direct = http.client.HTTPConnection(urlsplit(origin).netloc)
            direct.request("GET", "/asked")
            asked = direct.getresponse().read().decode().count(".conda")
            print(f"{asked - files} requests to the upstream for {files + 1} cold files")
    finally:
        server.stop()


def times(
    server: RunningServer, origin: str, names: list[str], size: int
) -> dict[str, list[Taken]]:
    """Get each file in each way, in turn."""
    through = Connection(server.sockets() / "content.sock")
    base = f"/api/packages/{_OWNER}/conda"
    hosted = f"{base}/{_HOSTED}/noarch/{names[0]}"
    taken(through, hosted, size)  # from now on it is as one that was uploaded
    ways: dict[str, list[Taken]] = {"direct": [], "cold": [], "warm": [], "hosted": []}
    for name in names[1:]:
        path = f"{base}/{_CHANNEL}/noarch/{name}"
        direct = http.client.HTTPConnection(urlsplit(origin).netloc)
        ways["direct"].append(taken(direct, f"/noarch/{name}", size))
        ways["cold"].append(taken(through, path, size))
        time.sleep(0.5)  # the file is stored after its last byte went out
    for name in names[1:]:
        path = f"{base}/{_CHANNEL}/noarch/{name}"
        ways["warm"].append(taken(through, path, size))
        ways["hosted"].append(taken(through, hosted, size))
    return ways


def report(ways: dict[str, list[Taken]], size: int) -> None:
    """Print what each way took."""
    medians = {
        way: Taken(
            statistics.median(each.first for each in all_of),
            statistics.median(each.all for each in all_of),
        )
        for way, all_of in ways.items()
    }
    for way, (first, all_of) in medians.items():
        speed = size / 1024**2 / all_of * 1000
        print(f"{way:8} first byte {first:7.1f} ms, all {all_of:7.1f} ms, {speed:7.1f} MiB/s")
    direct, cold = medians["direct"], medians["cold"]
    print(f"cold: first byte + {cold.first - direct.first:.1f} ms to direct")
    print(f"cold: {direct.all / cold.all:.0%} of the throughput of direct")
    print(f"warm: {medians['warm'].all / medians['hosted'].all:.2f} x hosted")


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--megabytes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=0)
    options = parser.parse_args()
    load = Path("/proc/loadavg").read_text().split()[0]
    rate = options.rate or "any"
    print(f"{options.files} files of {options.megabytes} MiB at {rate} MiB/s, load {load}")
    with tempfile.TemporaryDirectory() as folder:
        measure(options.files, options.megabytes, options.rate, Path(folder))


if __name__ == "__main__":
    main()
