"""The web server snippet, in a real nginx."""

import base64
import http.client
import json
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
from tests.functional.accounts import bearer, new_account
from tests.functional.harness import PASSWORD, PATIENCE_SECONDS, RunningServer, wait_for
from tests.processes import dies_with_tests

_NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
_API_PROCESSES = 4
_MOST = 20

_CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
worker_rlimit_nofile 1024;
http {{
    limit_conn_zone $binary_remote_addr zone=addresses:1m;
    limit_conn_status 429;
    client_header_timeout 2s;
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
        limit_conn addresses {most};
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
        + _CONFIGURATION.format(
            folder=tmp_path, sockets=sockets, port=port, snippet=snippet, most=_MOST
        )
    )
    nginx = subprocess.Popen([str(_NGINX), "-c", str(configuration)], preexec_fn=dies_with_tests)
    origin = f"http://127.0.0.1:{port}"
    _wait_for(f"{origin}/api/packages/")
    yield origin
    nginx.terminate()
    nginx.wait()


def test_the_snippet_sends_reads_to_the_content_app_and_writes_to_the_api(
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
def test_slow_clients_do_not_block_others(
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


_UNKNOWN = f"Content-Length: {10 * 1024**3}"
_EXPECTING = "Content-Length: 9\r\nExpect: 100-continue"


def first_answer(
    origin: str, path: str, headers: str, *, body: bytes = b"", method: str = "PUT"
) -> tuple[int, dict[str, str], bytes]:
    """Send headers and a partial body; return the first answer: status, headers, body."""
    where = urlsplit(origin)
    with socket.create_connection((where.hostname, where.port), timeout=20) as client:
        client.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode() + body)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read()


def stored_bodies(folder: Path) -> list[Path]:
    """Return the bodies that nginx stored."""
    return [path for path in (folder / "body").rglob("*") if path.is_file()]


@pytest.mark.parametrize("path", ["/api/packages/{owner}/conda/x.conda",
                                  "/api/channels/{owner}/main/upload/x-1-0.conda",
                                  "/api/v1/upload/{owner}"])  # fmt: skip
@pytest.mark.parametrize(
    "headers",
    [
        _UNKNOWN,
        f"{_UNKNOWN}\r\nExpect: 100-continue",
        _EXPECTING,
        "Transfer-Encoding: chunked",
        "Content-Length: 900000000000",
    ],
)
def test_an_anonymous_client_is_refused_before_the_body(
    origin: str, owner: str, tmp_path: Path, path: str, headers: str
) -> None:
    began = time.monotonic()
    method = "PUT" if "packages" in path else "POST"
    body = b"" if "Expect" in headers else b"9\r\nPK"
    status, found, words = first_answer(
        origin, path.format(owner=owner), headers, body=body, method=method
    )
    assert status == 401
    assert found["www-authenticate"].startswith("Basic")
    assert time.monotonic() - began < 10
    assert not stored_bodies(tmp_path)
    if "Expect" not in headers:
        assert set(json.loads(words)) == {"reason", "message"}


def test_each_refusal_is_passed_on_with_its_words(
    server: RunningServer, origin: str, owner: str
) -> None:
    stranger = bearer(new_account(server).token(scopes=["write"]))["Authorization"]
    admin = "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    server.put(f"{server.channel(owner)}/x.conda", PackageBuilder(owner).conda())
    for authorization, path, headers, status in (
        (stranger, f"/api/packages/{owner}/conda/x.conda", _UNKNOWN, 403),
        (admin, f"/api/packages/{owner}/conda/x.zip", _UNKNOWN, 404),
        (admin, f"/api/packages/{owner}/conda/a%20b/x.conda", _UNKNOWN, 400),
        (admin, f"/api/channels/{owner}/main/upload/x.zip", _UNKNOWN, 400),
        (admin, f"/api/packages/{owner}/conda/x.conda", "Content-Length: 900000000000", 413),
    ):
        method = "POST" if "channels" in path else "PUT"
        for expect in ("", "\r\nExpect: 100-continue"):
            sent = f"{headers}{expect}\r\nAuthorization: {authorization}"
            answered, _, words = first_answer(origin, path, sent, method=method)
            assert answered == status, (path, headers, words)
            if not expect:
                assert json.loads(words)["message"]


def test_larger_and_chunked_bodies_arrive(server: RunningServer, origin: str, owner: str) -> None:
    base = f"{origin}/api/packages/{owner}/conda"
    for number, chunked in enumerate((False, True)):
        body = PackageBuilder(f"large{number}").payload(3_000_000).conda()
        sent = iter([body[:1000], body[1000:]]) if chunked else body
        assert server.put(f"{base}/x.conda", sent).status_code == 201
        url = f"{base}/noarch/large{number}-1.0-0.conda"
        assert requests.get(url, timeout=30).content == body
    curl = ["curl", "-sS", "-u", f"admin:{PASSWORD}", "-H", "Expect: 100-continue", "-T", "-"]
    body = PackageBuilder("expected").payload(3_000_000).conda()
    done = subprocess.run(
        [*curl, "-o", "/dev/null", "-w", "%{http_code}", f"{base}/x.conda"],
        input=body,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"201"


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_other_requests_have_small_bodies(
    origin: str, owner: str, tmp_path: Path, method: str
) -> None:
    path = "/api/oidc/mint_token" if method == "POST" else f"/api/packages/{owner}/conda/x/1"
    assert first_answer(origin, path, _UNKNOWN, body=b"x", method=method)[0] == 413
    assert not stored_bodies(tmp_path)


def test_slow_heads_are_closed_and_requests_per_address_are_limited(
    origin: str, owner: str
) -> None:
    where = urlsplit(origin)
    url = f"{origin}/api/v1/version"

    def opened(sent: str) -> list[socket.socket]:
        clients = []
        for _ in range(_MOST):
            clients.append(socket.create_connection((where.hostname, where.port), timeout=20))
            clients[-1].sendall(sent.encode())
        return clients

    for client in opened("GET /api/v1/version HTTP/1.1\r\nHost: x\r\nA"):
        assert client.recv(65536).partition(b" ")[2][:3] in (b"", b"408")
        client.close()
    assert requests.get(url, timeout=30).ok
    path = f"/api/packages/{owner}/conda/x.conda"
    slow = opened(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nPK")
    wait_for(lambda: requests.get(url, timeout=30).status_code == 429)
    for client in slow:
        client.close()
    wait_for(lambda: requests.get(url, timeout=30).ok)


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
