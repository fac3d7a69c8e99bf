"""The table of rights: a row for each route of the plugin says who may use it.

A row names the permitted roles and their answer. Others are answered 401 without credentials, and
with credentials 403, or 404 if they may not know that the thing exists. A request that would
change what other rows need is made invalid, so that it fails after rights were checked.
"""

from dataclasses import replace

from tests.functional.rights_of_client_apis import CLIENT_APIS
from tests.functional.rights_of_rest import REST
from tests.functional.rights_rows import (
    Row,
)

TABLE: dict[tuple[str, str], Row] = {
    **CLIENT_APIS,
    **{(view, action): row for view, rows in REST.items() for action, row in rows.items()},
    **{
        (view, action): replace(row, of_channel=False)
        for view in ("CondaContentGuardViewSet", "CondaRemoteViewSet", "AccessTokenViewSet")
        for action, row in REST[view].items()
    },
}
"""The rows by view and action. The content app's handlers count as actions of a view `content`."""
