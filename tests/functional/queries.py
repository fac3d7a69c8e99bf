"""Prints the queries that the content app needs to find the file of each path.

Run with the settings of a running server: `python -m tests.functional.queries TOKEN PATH...`, each
path as it stands behind `/pulp/content/`. An empty TOKEN makes the requests anonymous.
"""

import contextlib
import json
import sys

import django

django.setup()

from aiohttp.test_utils import make_mocked_request  # noqa: E402 (Django must be set up before)
from aiohttp.web import HTTPNotFound  # noqa: E402
from django.db import connection  # noqa: E402
from pulpcore.plugin.util import get_domain  # noqa: E402

from pulp_conda.app.authentication.credentials import Token  # noqa: E402
from pulp_conda.app.content.passwords import CREDENTIALS  # noqa: E402
from pulp_conda.app.content.resolve import find  # noqa: E402
from tests.statements import Sent  # noqa: E402


def queries(path: str, token: str) -> list[str]:
    """Return the queries of a request for a path."""
    request = make_mocked_request("GET", f"/pulp/content/{path}", match_info={"path": path})
    if token:
        request[CREDENTIALS] = Token(token)
    sent = Sent()
    with connection.execute_wrapper(sent), contextlib.suppress(HTTPNotFound):
        find(request, None)
    return sent


if __name__ == "__main__":
    get_domain()  # once in a process
    secret, *paths = sys.argv[1:]
    for _ in range(2):  # what is looked up once in a process
        queries(paths[0], secret)
    print(json.dumps({path: queries(path, secret) for path in paths}))
