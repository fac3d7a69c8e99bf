"""The web server snippet, in a real nginx."""

import shutil
import socket
import subprocess
import time
from importlib.resources import files
from pathlib import Path

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.harness import RunningServer

_NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")

_CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream pulp-api {{ server unix:{sockets}/api.sock; }}
    upstream pulp-content {{ server unix:{sockets}/content.sock; }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 1k;
        {snippet}
    }}
}}
"""


@pytest.mark.skipif(_NGINX is None, reason="needs Debian's package nginx")
def test_the_snippet_sends_reading_and_writing_their_ways(
    server: RunningServer, owner: str, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    snippet = (files("pulp_conda.app.webserver_snippets") / "nginx.conf").read_text()
    sockets = server.sockets()
    tmp_path.chmod(0o755)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        "user root;\n" * (Path("/proc/self").owner() == "root")
        + _CONFIGURATION.format(folder=tmp_path, sockets=sockets, port=port, snippet=snippet)
    )
    nginx = subprocess.Popen([str(_NGINX), "-c", str(configuration)])
    try:
        base = f"http://127.0.0.1:{port}/api/packages/{owner}/conda"
        body = PackageBuilder().payload(100_000).conda()
        _wait_for(base)
        assert server.put(f"{base}/x.conda", body).status_code == 201
        assert requests.get(f"{base}/noarch/demo-1.0-0.conda", timeout=30).content == body
        assert requests.head(f"{base}/noarch/repodata.json", timeout=30).status_code == 200
        assert server.put(f"{base}/x.conda", body).status_code == 409
        # anaconda-client asks for the root without a slash.
        root = f"http://127.0.0.1:{port}/api/anaconda"
        assert requests.head(root, timeout=30).status_code == 200
        assert requests.get(f"{root}/user", timeout=30).status_code == 401
    finally:
        nginx.terminate()
        nginx.wait()


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
