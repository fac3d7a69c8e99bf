"""Prints the queries that the content app needs to find the file of each path.

Run with the settings of a running server: `python -m tests.functional.queries PATH...`, each path
as it stands behind `/pulp/content/`.
"""

import contextlib
import json
import sys

import django

django.setup()

from aiohttp.test_utils import make_mocked_request  # noqa: E402 (Django must be set up before)
from aiohttp.web import HTTPNotFound  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from pulpcore.plugin.util import get_domain  # noqa: E402

from pulp_conda.app.content.resolve import find  # noqa: E402


def queries(path: str) -> list[str]:
    """Return the queries of a request for a path."""
    request = make_mocked_request("GET", f"/pulp/content/{path}", match_info={"path": path})
    with (
        CaptureQueriesContext(
            connection,
        ) as captured,
        contextlib.suppress(HTTPNotFound),
    ):
        find(request, None)
    return [query["sql"] for query in captured.captured_queries]


if __name__ == "__main__":
    get_domain()  # once in a process
    print(json.dumps({path: queries(path) for path in sys.argv[1:]}))
