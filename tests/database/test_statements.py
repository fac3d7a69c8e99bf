"""How many SQL statements a request takes, whatever the size of the channel."""

import io
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from pulpcore.plugin.models import Group
from pulpcore.plugin.util import assign_role

from pulp_conda.app.authentication.credentials import Token, new_token
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.content.passwords import CREDENTIALS
from pulp_conda.app.content.resolve import find
from pulp_conda.app.models import AccessToken, CondaContentGuard, CondaDistribution
from pulp_conda.app.models.token import SCOPES
from tests.benchmark import synthetic
from tests.benchmark.loading import load
from tests.builders import PackageBuilder
from tests.database.factories import make_channel
from tests.statements import Sent

_BOUNDS = {
    "PUT to 201": 35,
    "PUT to 409": 5,
    "PUT to 403": 1,
    "PUT to 401": 1,
    "DELETE to 204": 40,
    "DELETE to 404": 5,
    "GET of a document": 3,
    "GET of a package": 3,
}
"""The most statements that each request may take, of a user with a role through a group."""


class _Requests:
    """Sends requests with a token, in this process, and counts their statements."""

    def __init__(self, token: str) -> None:
        self.token = token
        self._handler = WSGIHandler()
        self.sent: dict[str, Sent] = {}

    def count(self, name: str, action: Callable[[], object]) -> None:
        """Count the statements of an action."""
        sent = self.sent[name] = Sent()
        with connection.execute_wrapper(sent):
            action()

    def send(self, method: str, path: str, body: bytes = b"") -> str:
        """Send a request to the API; return the status."""
        statuses: list[str] = []
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": f"/api/packages/{path}",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
        }
        # pulpcore keeps the user and the domain of a request in the context of its thread.
        copy_context().run(self._answer, environ, statuses)
        return statuses[0]

    def _answer(self, environ: dict[str, Any], statuses: list[str]) -> None:
        def start(status: str, *_: Any) -> Callable[[bytes], object]:
            statuses.append(status[:3])
            return bytes

        self._handler(environ, start).close()

    def get(self, path: str) -> None:
        """Find a file as the content app does."""
        request = make_mocked_request("GET", f"/{path}", match_info={"path": path})
        request[CREDENTIALS] = Token(self.token)
        find(request, None)


def body(version: int) -> bytes:
    """Return a package of a version."""
    return PackageBuilder(version=f"{version}.0").conda()


@pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")
@pytest.mark.usefixtures("real_commits")
@pytest.mark.parametrize("packages", [10, 10_000])
def test_requests_take_few_statements(packages: int) -> None:
    repository = make_channel("org", "main")
    load(repository, synthetic.packages(packages, seed=1))
    publish(repository.latest_version())
    guard = CondaContentGuard.objects.create(name="guard")
    CondaDistribution.objects.update(content_guard=guard)
    user, group = User.objects.create(username="user"), Group.objects.create(name="group")
    user.groups.add(group)
    assign_role("conda.channel_writer", group, repository.owner)
    secret = new_token()
    AccessToken.create(secret, user=user, name="token", scopes=list(SCOPES))
    requests, strangers = _Requests(secret), _Requests(new_token())

    def put(version: int, status: str, owner: str = "ORG", by: _Requests = requests) -> None:
        assert by.send("PUT", f"{owner}/conda/main/x.conda", body(version)) == status

    def delete(version: int, status: str) -> None:
        path = f"org/conda/main/noarch/demo-{version}.0-0.conda"
        assert requests.send("DELETE", path) == status

    for version in range(3):  # the first request reads more, the second prepares statements
        put(version, "201")
    requests.count("PUT to 201", lambda: put(3, "201"))
    requests.count("PUT to 409", lambda: put(3, "409"))
    requests.count("PUT to 403", lambda: put(3, "403", "other"))
    requests.count("PUT to 401", lambda: put(3, "401", by=strangers))
    for version in range(2):
        delete(version, "204")
    requests.count("DELETE to 204", lambda: delete(2, "204"))
    requests.count("DELETE to 404", lambda: delete(7, "404"))
    requests.count("GET of a document", lambda: requests.get("org/main/noarch/repodata.json"))
    requests.count("GET of a package", lambda: requests.get("org/main/noarch/demo-3.0-0.conda"))
    for name, bound in _BOUNDS.items():
        sent = requests.sent[name]
        assert len(sent) <= bound, (name, len(sent), *sent)
