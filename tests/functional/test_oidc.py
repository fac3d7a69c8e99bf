"""CI jobs upload with an identity token; the test is the identity provider."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.builders import PackageBuilder
from tests.functional.accounts import bearer
from tests.functional.harness import Rest, RunningServer
from tests.functional.homes import Homes
from tests.functional.uploaders import Raw

_BODY = PackageBuilder().conda()
_AUDIENCE = "conda.example"


class Issuer:
    """An identity provider: it publishes its key and signs identity tokens."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        keys = json.dumps({"keys": [{**public, "kid": "1", "use": "sig", "alg": "RS256"}]})

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(keys.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop publishing the key."""
        self._server.shutdown()

    def identity(self, **claims: Any) -> str:
        """Sign a job's identity token."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": _AUDIENCE,
            "iat": now,
            "exp": now + 60,
            "sub": "repo:acme/recipes:ref:refs/heads/main",
            "repository": "acme/recipes",
            **claims,
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "1"})


_SETTINGS = """
WORKLOAD_IDENTITY = {{
    "providers": {{
        "ci": {{
            "issuer": "{url}",
            "jwks_url": "{url}/keys",
            "audience": "{audience}",
            "rules": [
                {{
                    "match": {{"repository": "acme/*"}},
                    "grants": [
                        {{
                            "role": "conda.channel_owner",
                            "scope": {{"type": "object", "name": "acme"}},
                        }}
                    ],
                }}
            ],
        }}
    }}
}}
REST_FRAMEWORK__DEFAULT_AUTHENTICATION_CLASSES = [
    "pulpcore.app.workload_identity.authentication.WorkloadIdentityAuthentication",
    "pulpcore.app.authentication.BasicAuthentication",
    "rest_framework.authentication.SessionAuthentication",
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "pulpcore.backends.ObjectRolePermissionBackend",
    "pulpcore.app.workload_identity.backend.WorkloadIdentityBackend",
]
CONDA_CI_TOKEN_SECONDS = 1234
"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An identity provider on this machine."""
    issuer = Issuer()
    yield issuer
    issuer.stop()


@pytest.fixture(scope="module")
def ci_server(
    issuer: Issuer, homes: Homes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server that trusts the provider."""
    settings = _SETTINGS.format(url=issuer.url, audience=_AUDIENCE)
    home = homes.make(tmp_path_factory.mktemp("oidc") / "home", settings)
    server = RunningServer(home).start()
    Rest(server).create("conda/owners/", name="acme")
    yield server
    server.stop()


def mint(server: RunningServer, identity: object) -> requests.Response:
    """Exchange an identity for a token."""
    url = f"{server.origin}/api/oidc/mint_token"
    return requests.post(url, json={"token": identity}, timeout=30)


def put(server: RunningServer, owner: str, channel: str, **arguments: Any) -> int:
    """Upload without the admin's password."""
    url = f"{server.channel(owner, channel)}/x.conda"
    return server.put(url, _BODY, auth=None, **arguments).status_code


_EXPIRE = """
from django.utils.timezone import now
from pulp_conda.app.models import AccessToken
token = AccessToken.objects.find({token!r})
print((token.expires - now()).total_seconds())
token.expires = now()
token.save()
"""


def expire(server: RunningServer, token: str) -> float:
    """Make a token expire; return how many seconds were left."""
    return float(server.shell(_EXPIRE.format(token=token)))


def test_an_identity_is_exchanged_for_a_brief_token(
    ci_server: RunningServer, issuer: Issuer
) -> None:
    answer = mint(ci_server, issuer.identity())
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert put(ci_server, "acme", "minted", headers=bearer(answer.text)) == 201
    assert put(ci_server, "other", "minted", headers=bearer(answer.text)) == 403
    assert 0 < expire(ci_server, answer.text) < 1234
    assert put(ci_server, "acme", "late", headers=bearer(answer.text)) == 401


def test_an_identity_is_taken_without_exchange_too(
    ci_server: RunningServer, issuer: Issuer
) -> None:
    assert put(ci_server, "acme", "bearer", headers=bearer(issuer.identity())) == 201
    assert put(ci_server, "other", "bearer", headers=bearer(issuer.identity())) == 403
    basic = base64.b64encode(f"__token__:{issuer.identity()}".encode()).decode()
    assert put(ci_server, "acme", "basic", headers={"Authorization": f"Basic {basic}"}) == 201


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another.example"},
        {"exp": 1},
        {"iss": "http://127.0.0.1:1"},
        {"repository": "somebody/recipes"},
    ],
)
def test_other_identities_get_no_token(
    ci_server: RunningServer, issuer: Issuer, claims: dict[str, Any]
) -> None:
    identity = issuer.identity(**claims)
    refused = mint(ci_server, identity)
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/json"
    assert set(refused.json()) == {"reason", "message"}
    assert put(ci_server, "acme", "refused", headers=bearer(identity)) == 401


@pytest.mark.parametrize("identity", ["rubbish", "a.b.c", None, 5, ["x"], "eyJ.eyJ."])
def test_rubbish_is_refused(ci_server: RunningServer, identity: object) -> None:
    assert mint(ci_server, identity).status_code == 401
    url = f"{ci_server.origin}/api/oidc/mint_token"
    for body in (
        b"{",
        b"[" * 60_000,
        b'{"token":' * 7_000,
        b"\xff",
        b"[]",
        b'{"token": "\\ud800"}',
    ):
        assert requests.post(url, data=body, timeout=30).status_code == 400
    large = b'{"token": "' + b"x" * 3_000_000 + b'"}'
    for chunked in (False, True):
        refused = requests.post(url, data=iter([large]) if chunked else large, timeout=30)
        assert refused.status_code == 413
        assert set(refused.json()) == {"reason", "message"}


def test_a_user_name_in_the_claims_gives_no_namespace(
    ci_server: RunningServer, issuer: Issuer
) -> None:
    identity = issuer.identity(sub="alice")
    minted = mint(ci_server, identity).text
    for token in (identity, minted):
        assert put(ci_server, "alice", "dev", headers=bearer(token)) == 403


@pytest.mark.parametrize("dialect", ["quetz", "prefix", "anaconda"])
def test_a_minted_token_uploads_by_every_dialect(
    ci_server: RunningServer, issuer: Issuer, dialect: str
) -> None:
    upload = getattr(Raw(ci_server, mint(ci_server, issuer.identity()).text), dialect)
    assert upload(f"acme/{dialect}", _BODY, name=PackageBuilder().filename).ok
    upload = getattr(Raw(ci_server, mint(ci_server, issuer.identity()).text), dialect)
    assert upload(f"other/{dialect}", _BODY).status_code == 403
