"""Who asks whom for what: what a row of the table of rights says, and how it is sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.functional.harness import PATIENCE_SECONDS, Rest, RunningServer

KINDS = ("public", "internal", "private", "hidden")
"""Channels that are read by everybody, by every signed-in user, by those with a role, and those
that are there for nobody else."""

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
"""Who asks: the roles from reader to owner are those on the channel's owner."""

Who = Callable[[str, str], bool]
"""Tells whether one of a role may, given also the kind of the channel."""


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
    """Tell who may read a channel, and who may know of an owner with its visibility."""
    return {"public": ALL, "internal": SIGNED_IN}.get(kind, SEEING)(role, kind)


def knowing(role: str, kind: str) -> bool:
    """Tell who may know of an owner over REST, which nobody uses without signing in."""
    return role != "anonymous" and reading(role, kind)


@dataclass(frozen=True)
class Row:
    """A request: `{}` in path and body stand for what a channel of the kind has.

    `expendable` names what is made for those who may, since they take it away.
    """

    method: str
    path: str
    who: Who
    answer: int
    body: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of `requests`."""
    stranger: int | None = 403
    """The answer to those who are signed in and have no role; None: 403 where they may read."""
    other: int = 403
    """The answer to those who have a role that does not suffice."""
    anonymous: int | None = 401
    """The answer without credentials; None: 401 where they may read, else 404."""
    hidden: int | None = None
    """The answer to everybody who may not, where the channel is hidden."""
    anybodys: bool = True
    """Whether those without credentials can ask: a URL with a token in it is nobody's."""
    of_channel: bool = True
    """Whether the kind of the channel might matter."""
    expendable: str = ""
    is_list: bool = False
    """Whether the answer is that the list holds anything, or 404."""

    def asked_by(self, kind: str) -> Sequence[str]:
        """Return the roles that ask about a channel of a kind."""
        if not self.of_channel and kind != KINDS[0]:
            return ()
        return ROLES if self.anybodys else ROLES[1:]

    def expected(self, role: str, kind: str) -> int:
        """Return the answer to one of a role."""
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
        """Send the request for what `things` names."""
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
