"""Mirrors in tests: a server that syncs its channels from another one."""

from dataclasses import dataclass
from typing import Any

from tests.functional.harness import Rest, RunningServer

ALLOWED = 'CONDA_UPSTREAM_ALLOWED_NETWORKS = ["127.0.0.0/8"]\n'
"""Settings of a server that may ask an upstream on the same machine."""


@dataclass
class Mirror:
    """A channel that is synced from a remote."""

    server: RunningServer
    repository: str
    remote: str
    url: str
    """The channel's, as clients use it."""

    def sync(self, *, state: str = "completed", **arguments: Any) -> Any:
        """Sync the channel; return the task in its final state."""
        rest = Rest(self.server)
        body = {"remote": self.remote, **arguments}
        return rest.wait(rest.request("POST", f"{self.repository}sync/", json=body), state=state)

    def result(self, **arguments: Any) -> Any:
        """Sync the channel; return the result of the task."""
        return self.sync(**arguments)["result"]

    def version(self) -> int:
        """Return the number of the channel's newest version."""
        href = Rest(self.server).get(self.repository)["latest_version_href"]
        return int(href.rstrip("/").rpartition("/")[2])


def make_mirror(server: RunningServer, owner: str, url: str, **remote: Any) -> Mirror:
    """Make a channel `OWNER/mirror` and a remote for an upstream channel."""
    rest, name = Rest(server), f"{owner}/mirror"
    policy = {"policy": "on_demand", **remote}
    made = rest.create("remotes/conda/conda/", name=name, url=url, **policy)
    repository = rest.create("repositories/conda/conda/", name=name)["pulp_href"]
    rest.create("distributions/conda/conda/", name=name, base_path=name, repository=repository)
    return Mirror(server, repository, made["pulp_href"], server.channel(owner, "mirror"))
