"""Users, their roles and their tokens."""

import itertools
from dataclasses import dataclass
from typing import Any

import requests

from tests.builders import PackageBuilder
from tests.functional.harness import Rest, RunningServer

_numbers = itertools.count(1)
_PASSWORD = "long enough 1"


@dataclass(frozen=True)
class Account:
    """A user of a server, without any role at first."""

    server: RunningServer
    name: str
    href: str
    password: str = _PASSWORD

    @property
    def auth(self) -> tuple[str, str]:
        """The credentials for HTTP Basic authentication."""
        return self.name, self.password

    @property
    def rest(self) -> Rest:
        """Pulp's REST API as this user sees it."""
        return Rest(self.server, auth=self.auth)

    def give(self, role: str, content_object: str | None = None, **scope: Any) -> None:
        """Give the user a role: on an object, on a domain, or everywhere."""
        body = {"role": role, "content_object": content_object, **scope}
        Rest(self.server).create(f"{self.href}roles/", **body)

    def token(self, **fields: Any) -> str:
        """Create an access token and return it."""
        body = {"name": f"token{next(_numbers)}", **fields}
        token: str = self.rest.create("conda/tokens/", **body)["token"]
        return token

    def session(self) -> requests.Session:
        """Sign in by Pulp's page; return the browser's session, with its CSRF token as a header."""
        session = requests.Session()
        url = f"{self.server.origin}/auth/login/"
        session.get(url, timeout=60)
        form = {
            "username": self.name,
            "password": self.password,
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        answer = session.post(url, data=form, allow_redirects=False, timeout=60)
        assert answer.status_code == 302, answer.text
        session.headers["X-CSRFToken"] = session.cookies["csrftoken"]
        return session


def new_account(server: RunningServer, name: str | None = None) -> Account:
    """Create a user."""
    name = name or f"user{next(_numbers)}"
    user = Rest(server).create("users/", username=name, password=_PASSWORD)
    return Account(server, name, user["pulp_href"])


def put_as(account: Account, owner: str, channel: str | None = None) -> int:
    """Upload a package as a user; return 201 also if it was there already (409)."""
    url = f"{account.server.channel(owner, channel)}/x.conda"
    answer = account.server.put(url, PackageBuilder().conda(), auth=account.auth)
    return 201 if answer.status_code == 409 else answer.status_code


def owner_href(rest: Rest, name: str) -> str:
    """Return the owner of a name; create it if it has no channel yet."""
    found = rest.get("conda/owners/", name__iexact=name)["results"]
    href: str = (found[0] if found else rest.create("conda/owners/", name=name))["pulp_href"]
    return href


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def status(url: str, **kwargs: Any) -> int:
    """GET a URL and return the status."""
    return requests.get(url, timeout=30, **kwargs).status_code
