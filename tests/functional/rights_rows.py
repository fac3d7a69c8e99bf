"""A row of the table of rights: a request, who may send it, and the answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.functional.harness import PATIENCE_SECONDS, Rest, RunningServer

KINDS = ("public", "internal", "private", "hidden")
"""Channels that may be read by everybody, by every signed-in user, or only by users with a role; a
hidden channel looks absent to all others."""

ROLES = (
    "anonymous",
    "stranger",
    "reader",
    "publisher",
    "writer",
    "maintainer",
    "owner",
    "admin",
)
"""The requesters. The roles from reader to owner are roles on the channel's owner."""

Who = Callable[[str, str], bool]
"""Tells whether a role may send a request about a channel of a kind."""


def these(*roles: str) -> Who:
    return lambda role, kind: role in roles


ALL = these(*ROLES)
SIGNED_IN = these(*ROLES[1:])
SEEING = these(*ROLES[2:])
UPLOADING = these(*ROLES[3:])
REMOVING = these("writer", "maintainer", "owner", "admin")
CREATING = these("writer", "owner", "admin")
CONFIGURING = these("maintainer", "owner", "admin")
OWNING = these("owner", "admin")
ADMIN = these("admin")


def reading(role: str, kind: str) -> bool:
    """Tell whether a role may read a channel, or know of an owner of that visibility."""
    return {"public": ALL, "internal": SIGNED_IN}.get(kind, SEEING)(role, kind)


def knowing(role: str, kind: str) -> bool:
    """Tell whether a role may know of an owner over REST, which requires a sign-in."""
    return role != "anonymous" and reading(role, kind)


@dataclass(frozen=True)
class Row:
    """A request; path and body have placeholders for the things of a channel.

    `expendable` names a thing that is made for each permitted request, because it removes it.
    """

    method: str
    path: str
    who: Who
    answer: int
    body: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of `requests`."""
    stranger: int | None = 403
    """The answer to signed-in users without a role. None: 403 if they may read, else 404."""
    other: int = 403
    """The answer to users whose role does not suffice."""
    anonymous: int | None = 401
    """The answer without credentials. None: 401 if everybody may read, else 404."""
    hidden: int | None = None
    """The answer to everybody without the right, if the channel is hidden."""
    without_credentials: bool = True
    """Whether the request can be sent without credentials, unlike a URL with a token."""
    of_channel: bool = True
    """Whether the request is about a channel, so that its kind may matter."""
    expendable: str = ""
    is_list: bool = False
    """Whether the request lists things; an empty list counts as 404."""

    def asked_by(self, kind: str) -> Sequence[str]:
        """Return the roles that send the request about a channel of a kind."""
        if not self.of_channel and kind != KINDS[0]:
            return ()
        return ROLES if self.without_credentials else ROLES[1:]

    def expected(self, role: str, kind: str) -> int:
        """Return the status of the answer to a role."""
        if self.who(role, kind):
            return self.answer
        if self.hidden is not None and kind == "hidden":
            return self.hidden
        if role == "anonymous":
            return self.anonymous or (401 if reading(role, kind) else 404)
        if role == "stranger":
            return self.stranger or (403 if reading(role, kind) else 404)
        return self.other

    def send(
        self,
        server: RunningServer,
        things: Mapping[str, str],
        auth: tuple[str, str] | None,
        session: requests.Session,
    ) -> requests.Response:
        """Send the request, with `things` in place of its placeholders."""
        path = self.path.format(**things)
        url = server.origin + (path if path.startswith("/") else Rest(server).root + path)
        body = _filled(self.body, things)
        return session.request(self.method, url, auth=auth, timeout=PATIENCE_SECONDS, **body)


def _filled(body: Any, things: Mapping[str, str]) -> Any:
    if isinstance(body, str):
        return body.format(**things)
    if isinstance(body, Mapping):
        return {key: _filled(value, things) for key, value in body.items()}
    return body


def json_body(**body: Any) -> dict[str, Any]:
    """Return the arguments of `requests` for a JSON body."""
    return {"json": body}
