"""The web server snippet, in a real nginx."""

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account
from tests.functional.harness import PASSWORD, PATIENCE_SECONDS, RunningServer
from tests.processes import dies_with_tests

_NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
_API_PROCESSES = 4

_CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
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


pytestmark = pytest.mark.skipif(_NGINX is None, reason="needs Debian's package nginx")


@pytest.fixture
def origin(server: RunningServer, tmp_path: Path) -> Iterator[str]:
    """The URL of an nginx with the snippet, in front of the server's processes."""
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
    nginx = subprocess.Popen([str(_NGINX), "-c", str(configuration)], preexec_fn=dies_with_tests)
    origin = f"http://127.0.0.1:{port}"
    _wait_for(f"{origin}/api/packages/")
    yield origin
    nginx.terminate()
    nginx.wait()


def test_the_snippet_sends_reading_and_writing_their_ways(
    server: RunningServer, origin: str, owner: str
) -> None:
    base = f"{origin}/api/packages/{owner}/conda"
    body = PackageBuilder().payload(100_000).conda()
    assert server.put(f"{base}/x.conda", body).status_code == 201
    assert requests.get(f"{base}/noarch/demo-1.0-0.conda", timeout=30).content == body
    assert requests.head(f"{base}/noarch/repodata.json", timeout=30).status_code == 200
    assert server.put(f"{base}/x.conda", body).status_code == 409
    listed = requests.get(f"{origin}/api/v1/packages/{owner}", timeout=30).json()
    assert [package["name"] for package in listed] == ["demo"]
    for asked, status in (("version", 200), ("settings/api", 200), ("user", 401)):
        assert requests.get(f"{origin}/api/v1/{asked}", timeout=30).status_code == status
    # anaconda-client asks for the root without a slash.
    assert requests.head(f"{origin}/api/anaconda", timeout=30).status_code == 200
    assert requests.get(f"{origin}/api/anaconda/user", timeout=30).status_code == 401


def test_tokens_in_paths_pass_and_are_not_logged(
    server: RunningServer, origin: str, tmp_path: Path
) -> None:
    account = new_account(server)
    token = account.token(scopes=["read", "write"])
    body = PackageBuilder().conda()
    paths = (f"/t/{token}/api/packages/{account.name}/conda",
             f"/api/packages/{account.name}/conda/t/{token}")  # fmt: skip
    for path, status in zip(paths, (201, 409), strict=True):
        assert server.put(f"{origin}{path}/x.conda", body, auth=None).status_code == status
        assert requests.get(f"{origin}{path}/noarch/repodata.json", timeout=30).ok
    requests.get(f"{origin}/api/packages/{account.name}/conda/noarch/x", timeout=30)
    log = (tmp_path / "access.log").read_text()
    assert f"/api/packages/{account.name}/conda/noarch/x" in log
    assert token not in log


@pytest.mark.parametrize("through", ["nginx", "serve"])
def test_slow_clients_starve_nobody(
    server: RunningServer, origin: str, owner: str, through: str
) -> None:
    url = f"{origin if through == 'nginx' else server.origin}/api/packages/{owner}/conda/x.conda"
    where = urlsplit(url)
    credentials = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    slow = []
    for _ in range(2 * _API_PROCESSES):
        client = socket.create_connection((where.hostname, where.port))
        client.sendall(
            f"PUT {where.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n"
            f"Authorization: Basic {credentials}\r\n\r\nPK".encode()
        )
        slow.append(client)
    assert server.put(url, PackageBuilder().conda()).status_code == 201
    for client in slow:
        client.setblocking(False)
        with pytest.raises(BlockingIOError):  # neither answered nor cut off
            client.recv(1)
        client.close()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            requests.get(url, timeout=PATIENCE_SECONDS)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, "nginx does not answer"
            time.sleep(0.05)
        else:
            return
