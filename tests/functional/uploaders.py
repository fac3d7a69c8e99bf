"""Clients that upload package files, each by its own API."""

import hashlib
import os
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from rattler_build.upload import (
    upload_package_to_anaconda,
    upload_package_to_artifactory,
    upload_package_to_prefix,
    upload_package_to_quetz,
)

from tests.builders import PackageBuilder
from tests.functional.accounts import bearer
from tests.functional.harness import PATIENCE_SECONDS, RunningServer

ANACONDA_CLIENT = "anaconda-client==1.16.0"


@contextmanager
def package_file(package: PackageBuilder) -> Iterator[str]:
    """Write a package to a temporary folder and yield its path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / package.filename
        path.write_bytes(package.conda())
        yield str(path)


@dataclass(frozen=True)
class RattlerBuild:
    """rattler-build's uploads; a failure raises an exception."""

    server: RunningServer
    token: str

    def quetz(self, path: str, channel: str) -> None:
        """Upload as `rattler-build upload quetz` does."""
        upload_package_to_quetz([path], self.server.origin, channel, api_key=self.token)

    def artifactory(self, path: str, channel: str) -> None:
        """Upload as `rattler-build upload artifactory` does."""
        owner, _, name = channel.partition("/")
        url = f"{self.server.origin}/api/packages/{owner}/conda"
        upload_package_to_artifactory([path], url, name, token=self.token)

    def prefix(self, path: str, channel: str, **options: Any) -> None:
        """Upload as `rattler-build upload prefix` and `pixi upload` do."""
        upload_package_to_prefix([path], self.server.origin, channel, api_key=self.token, **options)

    def anaconda(
        self, path: str, channel: str, labels: Sequence[str] = (), *, force: bool = False
    ) -> None:
        """Upload as `rattler-build upload anaconda` does.

        With labels, the channel is the login. Without, its last part is the label.
        """
        owner, _, name = channel.partition("/")
        upload_package_to_anaconda(
            [path],
            channel if labels else owner,
            channel=list(labels) or [name],
            force=force,
            url=f"{self.server.origin}/api/anaconda",
            api_key=self.token,
        )


@dataclass(frozen=True)
class AnacondaClient:
    """The command `anaconda` in a virtual environment."""

    python: Path
    home: Path

    def run(self, *arguments: str, token: str = "") -> "subprocess.CompletedProcess[str]":
        """Run the command with a configuration that names only this server."""
        return subprocess.run(
            [str(self.python.with_name("anaconda")), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "ANACONDA_API_TOKEN": token,
                "ANACONDA_CLIENT_FORCE_STANDALONE": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )


def install_anaconda_client(folder: Path) -> AnacondaClient | None:
    """Install the client into its own virtual environment; None if pip cannot fetch it.

    It pins sixty packages that the tests' environment should not depend on.
    """
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    installed = subprocess.run([*pip, ANACONDA_CLIENT], check=False)
    (folder / "home").mkdir()
    return None if installed.returncode else AnacondaClient(python, folder / "home")


@dataclass(frozen=True)
class Raw:
    """The requests of the clients, one by one, so that tests see each answer."""

    server: RunningServer
    token: str

    def quetz(self, channel: str, body: bytes, **options: Any) -> requests.Response:
        """Send rattler-build's request to Quetz."""
        name = options.pop("name", "x.conda")
        headers = {"X-API-Key": self.token}
        url = f"{self.server.origin}/api/channels/{channel}/upload/{name}"
        return self._post(url, data=body, headers=headers, params=options)

    def prefix(self, channel: str, body: bytes, **options: Any) -> requests.Response:
        """Send the form that pixi sends."""
        name = options.pop("name", "x.conda")
        part = {"X-File-Name": name}
        if sha256 := options.pop("sha256", None):
            part["X-File-SHA256"] = sha256
        return self._post(
            f"{self.server.origin}/api/v1/upload/{channel}",
            files={"file": (name, body, "application/octet-stream", part)},
            headers=bearer(self.token),
            params=options,
        )

    def prefix_raw(self, channel: str, body: bytes, **options: Any) -> requests.Response:
        """Send the bare package to prefix.dev's route."""
        headers = {**bearer(self.token), "X-File-Name": options.pop("name", "x.conda")}
        if sha256 := options.pop("sha256", None):
            headers["X-File-SHA256"] = sha256
        url = f"{self.server.origin}/api/v1/upload/{channel}"
        return self._post(url, data=body, headers=headers, params=options)

    def put(self, channel: str, body: bytes, **options: Any) -> requests.Response:
        """Send the request of Artifactory's own clients."""
        owner, _, name = channel.partition("/")
        headers = bearer(self.token)
        if sha256 := options.get("sha256"):
            headers["X-Checksum-Sha256"] = sha256
        url = f"{self.server.channel(owner, name)}/noarch/{options.get('name', 'x.conda')}"
        return self.server.put(url, body, auth=None, headers=headers)

    def anaconda(self, channel: str, body: bytes, **options: Any) -> requests.Response:
        """Stage, upload and commit; return the last answer, or the first that fails."""
        staged = self.stage(channel, **options)
        if not staged.ok:
            return staged
        uploaded = self.upload(staged.json()["post_url"], body)
        if not uploaded.ok:
            return uploaded
        return self.commit(channel, staged.json()["dist_id"], options.get("name", "x.conda"))

    def stage(self, channel: str, **options: Any) -> requests.Response:
        """Stage a file; the first part of the channel is its owner, the rest the label."""
        owner, _, label = channel.partition("/")
        document = {"distribution_type": "conda", "channels": [label or "main"], **options}
        path = f"stage/{owner}/demo/1.0/noarch/{document.pop('name', 'x.conda')}"
        return self._anaconda("POST", path, json=document)

    def upload(self, url: str, body: bytes, **fields: str) -> requests.Response:
        """Send a file as rattler-build does: without a name and without credentials."""
        md5 = b64encode(hashlib.md5(body).digest()).decode()
        form = {"Content-Length": str(len(body)), "Content-MD5": md5, **fields}
        files = {key: (None, value) for key, value in form.items()}
        return self._post(url, files={**files, "file": (None, body)})

    def commit(self, channel: str, dist_id: str, name: str = "x.conda") -> requests.Response:
        """Commit a staged file."""
        owner = channel.partition("/")[0]
        path = f"commit/{owner}/demo/1.0/noarch/{name}"
        return self._anaconda("POST", path, json={"dist_id": dist_id})

    def remove(self, path: str) -> requests.Response:
        """Remove a file, a release or a package, as `anaconda remove` does."""
        return self._anaconda("DELETE", path)

    def _anaconda(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        url = f"{self.server.origin}/api/anaconda/{path}"
        headers = {"Authorization": f"token {self.token}"}
        return requests.request(method, url, headers=headers, timeout=PATIENCE_SECONDS, **kwargs)

    def _post(self, url: str, **kwargs: Any) -> requests.Response:
        return requests.post(url, timeout=PATIENCE_SECONDS, **kwargs)
