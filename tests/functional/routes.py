"""The requests that the registry's URLs take, one for each view and action.

Each names a channel, and a package that is in it or is not. What a body would be needed for fails
after rights have been judged, so that no request changes anything but those that remove.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from tests.functional.harness import PATIENCE_SECONDS, RunningServer

_NO_PACKAGE = {"data": b"no package"}
_FILE = "noarch/demo-1.0-0.conda"


@dataclass(frozen=True)
class Route:
    """A request of a client's; `{owner}`, `{channel}` and `{name}` (quoted) stand in its path."""

    method: str
    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def ask(
        self, server: RunningServer, owner: str, channel: str, **kwargs: Any
    ) -> requests.Response:
        """Send it."""
        path = self.path.format(owner=owner, channel=channel, name=quote(channel, safe=""))
        url = f"{server.origin}{path}"
        arguments = {"timeout": PATIENCE_SECONDS, "allow_redirects": False, **self.arguments}
        return requests.request(self.method, url, **arguments, **kwargs)


REGISTRY: Mapping[tuple[str, str], Route] = {
    ("PackageView", "upload"): Route(
        "PUT", "/api/packages/{owner}/conda/{channel}/x.conda", _NO_PACKAGE
    ),
    ("PackageView", "remove"): Route(
        "DELETE", f"/api/packages/{{owner}}/conda/{{channel}}/{_FILE}"
    ),
    ("QuetzView", "upload"): Route(
        "POST", "/api/channels/{owner}/{channel}/upload/x.conda", _NO_PACKAGE
    ),
    ("PrefixView", "upload"): Route(
        "POST",
        "/api/v1/upload/{owner}/{channel}",
        {**_NO_PACKAGE, "headers": {"X-File-Name": "x.conda"}},
    ),
    ("PackageListView", "list"): Route("GET", "/api/v1/packages/{owner}"),
    ("PackageReleaseView", "retrieve"): Route(
        "GET", "/api/v1/packages/{owner}/conda/{name}%2Fdemo"
    ),
    ("PackageReleaseView", "destroy"): Route(
        "DELETE", "/api/v1/packages/{owner}/conda/{name}%2Fdemo/1.0"
    ),
    ("LookupView", "package"): Route("GET", "/api/anaconda/package/{owner}/{channel}/demo"),
    ("LookupView", "release"): Route("GET", "/api/anaconda/release/{owner}/{channel}/demo/1.0"),
    ("LookupView", "distribution"): Route(
        "GET", f"/api/anaconda/dist/{{owner}}/{{channel}}/demo/1.0/{_FILE}"
    ),
    ("LookupView", "announce"): Route("POST", "/api/anaconda/package/{owner}/{channel}/demo"),
    ("LookupView", "remove"): Route("DELETE", "/api/anaconda/release/{owner}/{channel}/demo/1.0"),
    ("LookupView", "remove_distribution"): Route(
        "DELETE", f"/api/anaconda/dist/{{owner}}/{{channel}}/demo/1.0/{_FILE}"
    ),
    ("StageView", "stage"): Route(
        "POST", "/api/anaconda/stage/{owner}/{channel}/demo/1.0/noarch/x.conda", {"json": {}}
    ),
    ("StageView", "commit"): Route(
        "POST", "/api/anaconda/commit/{owner}/{channel}/demo/1.0/noarch/x.conda", {"json": {}}
    ),
    ("StagedUploadView", "upload"): Route("POST", "/api/anaconda/staged/{owner}/x", _NO_PACKAGE),
}
"""What is asked about a channel at Pulp's API, by view and action."""

CONTENT: Mapping[str, Route] = {
    "list_channels": Route("GET", "/api/packages/{owner}/conda/"),
    "stream_registry": Route("GET", "/api/packages/{owner}/conda/{channel}/noarch/repodata.json"),
    "stream_registry_package": Route("GET", f"/api/packages/{{owner}}/conda/{{channel}}/{_FILE}"),
    "stream_registry_page": Route("GET", "/api/packages/{owner}/conda/{channel}/"),
    "stream_content": Route("GET", "/pulp/content/{owner}/{channel}/noarch/repodata.json"),
}
"""What is asked about a channel at the content app."""

UPLOAD_CHECK = {"X-Upload-Check": "bytes=1000"}
