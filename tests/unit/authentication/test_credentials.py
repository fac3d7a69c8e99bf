"""Credentials, in all places where clients put them."""

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.authentication import BasicAuthentication

from pulp_conda.app.authentication.credentials import (
    Identity,
    Password,
    Token,
    credentials_of,
    is_token,
    new_token,
)

TOKEN = new_token()
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"


def basic(username: str, password: str) -> dict[str, str]:
    encoded = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def test_tokens_differ_and_have_a_form_that_conda_finds_in_urls() -> None:
    assert len({new_token() for _ in range(100)}) == 100
    assert is_token(TOKEN)
    assert TOKEN.replace("-", "").isalnum()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        (basic("anybody", TOKEN), Token(TOKEN)),
        (basic(TOKEN, ""), Token(TOKEN)),
        (basic(TOKEN, "x-oauth-basic"), Token(TOKEN)),
        (basic("alice", "secret"), Password("alice", "secret")),
        (basic("alice", "a:b"), Password("alice", "a:b")),
        (basic("älice", "ß"), Password("älice", "ß")),
        (basic("alice", ""), Password("alice", "")),
        (basic("__token__", JWT), Identity(JWT)),
        ({"Authorization": f"Bearer {TOKEN}"}, Token(TOKEN)),
        ({"Authorization": f"bearer  {TOKEN} "}, Token(TOKEN)),
        ({"Authorization": f"token {TOKEN}"}, Token(TOKEN)),
        ({"Authorization": "Bearer somebody-elses"}, Token("somebody-elses")),
        ({"Authorization": f"Bearer {JWT}"}, Identity(JWT)),
        ({"Authorization": "Digest x"}, None),
        ({"Authorization": "Basic !!!"}, None),
        ({"Authorization": "Basic"}, None),
        (basic("nul\0", "x"), Password("nul\0", "x")),
        (
            {"Authorization": "Basic\t" + basic("alice", "x")["Authorization"][6:]},
            Password("alice", "x"),
        ),
        (
            {"Authorization": "Basic " + base64.b64encode(b"alice:\xff").decode()},
            Password("alice", "\xff"),
        ),
        ({"Authorization": ""}, None),
        ({"Authorization": "Bearer"}, Token("")),
        ({"X-API-Key": TOKEN}, Token(TOKEN)),
    ],
)
def test_the_credentials_of_a_request(headers: dict[str, str], expected: object) -> None:
    assert credentials_of(headers) == expected


def test_a_header_goes_before_the_path() -> None:
    assert credentials_of({}, TOKEN) == Token(TOKEN)
    assert credentials_of(basic("alice", "x"), TOKEN) == Password("alice", "x")


def test_no_secret_is_shown_by_accident() -> None:
    assert TOKEN not in repr(Token(TOKEN))
    assert "secret" not in repr(Password("alice", "secret")).replace("secret=", "")


@given(st.text(max_size=60), st.text(max_size=30))
def test_any_header_is_understood_or_left_alone(scheme: str, value: str) -> None:
    for headers in (
        {"Authorization": f"{scheme} {value}"},
        {"Authorization": f"Basic {value}"},
        basic(scheme, value),
    ):
        assert isinstance(credentials_of(headers), Token | Password | Identity | None)


@given(
    st.binary(max_size=30),
    st.binary(max_size=30),
    st.sampled_from(["Basic ", "basic\t", "BASIC  "]),
)
def test_no_password_that_pulpcore_would_read_is_missed(
    name: bytes, secret: bytes, scheme: str
) -> None:
    header = scheme + base64.b64encode(name + b":" + secret).decode()
    request: Any = SimpleNamespace(headers={"authorization": header})
    read: Any = SimpleNamespace(authenticate_credentials=lambda *credentials: credentials[:2])
    pulps: Any = BasicAuthentication.authenticate(read, request)
    found = credentials_of({"Authorization": header})
    assert found == Password(*pulps) or isinstance(found, Token | Identity)
