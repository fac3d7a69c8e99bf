"""The built wheel works in an empty environment, without the checkout."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.builders import PackageBuilder
from tests.functional.harness import PASSWORD, PATIENCE_SECONDS
from tests.processes import dies_with_tests

_PROJECT = Path(__file__).parents[2]


def test_the_wheel_installs_migrates_and_serves(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*build, str(tmp_path), str(_PROJECT)], check=True)
    wheel = next(tmp_path.glob("*.whl"))
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", f"{wheel}[server]"]
    subprocess.run(install, check=True)
    command = [
        str(python), "-m", "pulp_conda.server", "--home", str(tmp_path / "home"), "--port", "0",
        "--workers", "1", "--api-workers", "1",
    ]  # fmt: skip
    log = tmp_path / "log"
    with log.open("w") as output:
        env = {**os.environ, "PULP_CONDA_ADMIN_PASSWORD": PASSWORD}
        server = subprocess.Popen(
            command, cwd="/", env=env, stdout=output, stderr=output, preexec_fn=dies_with_tests
        )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (ready := re.search(r"^ready: (\S+)$", log.read_text(), re.MULTILINE)):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        url = f"{ready[1]}/api/packages/acme/conda/x.conda"
        body = PackageBuilder().conda()
        answer = requests.put(url, data=body, auth=("admin", PASSWORD), timeout=PATIENCE_SECONDS)
        assert answer.status_code == 201
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=PATIENCE_SECONDS)
