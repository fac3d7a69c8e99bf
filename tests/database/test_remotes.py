"""What the fields of a remote may hold, and that a change sends no secret elsewhere."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from pulpcore.plugin.models import Remote

from pulp_conda.app.models import CondaRemote, CondaRepository
from pulp_conda.app.serializers import CondaRemoteSerializer
from tests.database.certificates import Authority

_URL = "https://upstream.example.org/conda-forge"
_NEW: Mapping[str, Any] = {"name": "upstream", "url": _URL}
_SECRET = "s3cret"


def saved(**fields: Any) -> CondaRemote:
    """Return a new remote, as the REST API makes it."""
    serializer = CondaRemoteSerializer(data={**_NEW, **fields}, context={"request": None})
    serializer.is_valid(raise_exception=True)
    remote: CondaRemote = serializer.save()
    return remote


def faults(remote: CondaRemote | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return the errors of a new remote, or of a change."""
    if remote is None:
        serializer = CondaRemoteSerializer(data={**_NEW, **fields})
    else:
        serializer = CondaRemoteSerializer(remote, data=fields, partial=True)
    serializer.is_valid()
    return dict(serializer.errors)


def changed(remote: CondaRemote, **fields: Any) -> CondaRemote:
    """Return a remote after a change."""
    serializer = CondaRemoteSerializer(remote, data=fields, partial=True, context={"request": None})
    serializer.is_valid(raise_exception=True)
    serializer.save()
    return CondaRemote.objects.get(pk=remote.pk)


def test_a_remote_needs_a_name_and_a_url_only() -> None:
    remote = saved()
    assert (remote.auth, remote.policy, remote.max_shrink) == ("none", Remote.IMMEDIATE, 20)
    assert (remote.subdirs, remote.include, remote.trust_indexed) == ([], [], True)


def test_the_url_is_stored_without_slashes_at_its_end() -> None:
    assert saved(url=f"{_URL}//").url == _URL


@pytest.mark.parametrize(
    "url",
    [
        "", "conda-forge", "ftp://example.org/x", "file:///srv/channel", "https://", "https:///x",
        "https://me@example.org/x", "https://me:pw@example.org/x", "https://:pw@example.org/x",
        f"{_URL}?a=b", f"{_URL}#x", f"{_URL}?", "https://example.org/t/abc-def/channel",
        "https://example.org/a/../b", "https://example.org/a b", "https://example.org/ü",
        "https://exa\nmple.org/", "https://example.org:99999/", "https://[::1", f"{_URL}/linux-64",
        f"{_URL}/noarch/", f"{_URL}/noarch/repodata.json", f"{_URL}/noarch/repodata.json.zst",
        "https://example.org/" + "x" * 2000,
    ],
)  # fmt: skip
def test_what_is_not_the_url_of_a_channel_is_refused(url: str) -> None:
    assert set(faults(url=url)) == {"url"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "localhost.", "LOCALHOST", "x.localhost", "[::1]", "10.0.0.1",
        "169.254.169.254", "192.168.1.1:8080", "[fd00::1]", "[::ffff:127.0.0.1]", "0.0.0.0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["url", "proxy_url"])
def test_an_address_that_is_not_public_is_refused(host: str, field: str) -> None:
    (reason,) = faults(**{field: f"http://{host}"})[field]
    assert "CONDA_UPSTREAM_ALLOWED_NETWORKS" in reason


@override_settings(CONDA_UPSTREAM_ALLOWED_NETWORKS=["127.0.0.0/8", "10.1.0.0/16"])
def test_an_address_that_the_operator_allows_is_accepted() -> None:
    assert faults(url="http://127.0.0.1:8080/x", proxy_url="http://10.1.2.3:3128") == {}
    assert faults(url="http://localhost:8080/x") == {}
    assert set(faults(url="http://10.2.0.1/x")) == {"url"}


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"auth": "basic"}, "username"),
        ({"auth": "basic", "username": "me", "token": _SECRET}, "token"),
        ({"auth": "basic", "username": "a:b", "password": _SECRET}, "username"),
        ({"auth": "bearer"}, "token"),
        ({"auth": "bearer", "token": ""}, "token"),
        ({"auth": "bearer", "token": "two words"}, "token"),
        ({"auth": "api_key", "token": "a\nb"}, "token"),
        ({"auth": "path_token", "username": "me", "token": _SECRET}, "username"),
        ({"auth": "none", "token": _SECRET}, "token"),
        ({"token": _SECRET}, "token"),
        ({"auth": "kerberos"}, "auth"),
    ],
)
def test_the_secrets_have_to_fit_the_way_of_authentication(
    fields: dict[str, Any], fault: str
) -> None:
    assert set(faults(**fields)) == {fault}


def test_a_username_alone_means_basic() -> None:
    remote = saved(username="me", password=_SECRET)
    assert (remote.auth, remote.username, remote.password) == ("basic", "me", _SECRET)


def test_a_secret_that_is_not_used_any_more_is_dropped() -> None:
    remote = saved(auth="bearer", token=_SECRET)
    remote = changed(remote, auth="basic", username="me")
    assert (remote.token, remote.username) == (None, "me")
    remote = changed(remote, auth="none")
    assert (remote.username, remote.password) == (None, None)


def test_secrets_are_not_shown_and_stored_encrypted() -> None:
    proxy = {"proxy_username": "p", "proxy_password": _SECRET}
    remote = saved(auth="path_token", token=_SECRET, proxy_url="http://proxy.example.org", **proxy)
    shown = CondaRemoteSerializer(remote, context={"request": None}).data
    assert _SECRET not in str(shown)
    hidden = {each["name"]: each["is_set"] for each in shown["hidden_fields"]}
    assert hidden["token"]
    assert not hidden["password"]
    with connection.cursor() as cursor:
        for table in ("core_remote", "conda_condaremote"):
            cursor.execute(f"SELECT * FROM {table}")
            assert _SECRET not in str(cursor.fetchall())


def test_a_stored_secret_is_not_sent_to_another_server() -> None:
    remote = saved(auth="bearer", token=_SECRET)
    for url in ("https://thief.example.org/x", "http://upstream.example.org/conda-forge"):
        assert set(faults(remote, url=url)) == {"token"}
    assert faults(remote, url="https://upstream.example.org/bioconda") == {}
    moved = changed(remote, url="https://other.example.org/x", token="another")
    assert moved.token == "another"
    assert changed(moved, url="https://third.example.org/x", auth="none").token is None


def test_a_stored_password_is_not_sent_to_another_proxy() -> None:
    remote = saved(
        proxy_url="http://proxy.example.org:3128", proxy_username="p", proxy_password=_SECRET
    )
    assert set(faults(remote, proxy_url="http://thief.example.org:3128")) == {"proxy_username"}
    both = {"proxy_username": "q", "proxy_password": "r"}
    assert changed(remote, proxy_url="http://new.example.org", **both).proxy_username == "q"


@pytest.mark.parametrize("field", ["include", "exclude"])
def test_what_is_not_a_match_spec_is_refused(field: str) -> None:
    assert faults(**{field: ["numpy >=2", "r-*", "python 3.12.*", "*[license=MIT]"]}) == {}
    for spec in ("numpy >=", "[", "a" * 2000, "x[build_number=99999999999999999999]"):
        assert set(faults(**{field: ["numpy", spec]})) == {field}


@pytest.mark.parametrize(
    "fields",
    [
        {"subdirs": ["linux-65"]}, {"subdirs": ["../x"]}, {"newest": 0}, {"newest": 2**40},
        {"max_bytes": 0}, {"max_bytes": 2**70}, {"max_shrink": 101}, {"max_shrink": -1},
        {"on_replaced": "x"}, {"licenses": ["a\u202eb"]}, {"licenses": ["a\x00b"]},
        {"allowed_hosts": ["https://x.example.org"]}, {"allowed_hosts": ["a b"]},
        {"allowed_hosts": ["x.example.org:80"]}, {"headers": [{"Authorization": "Bearer x"}]},
        {"headers": [{"x-api-key": "y"}]}, {"headers": [{"Cookie": "a=b"}]},
        {"headers": [{"a b": "c"}]}, {"headers": [{"X": "a\r\nY: b"}]}, {"headers": ["x"]},
        {"rate_limit": 0}, {"rate_limit": -5}, {"max_retries": -1}, {"sock_read_timeout": 0},
        {"total_timeout": float("nan")}, {"total_timeout": float("inf")},
        {"proxy_url": "http://u:p@proxy.example.org"}, {"proxy_url": "http://proxy.example.org/x"},
        {"proxy_url": "socks5://proxy.example.org"}, {"ca_cert": "nonsense"},
        {"policy": "sometimes"}, {"download_concurrency": 0},
    ],
    ids=str,
)  # fmt: skip
def test_bad_values_are_refused(fields: dict[str, Any]) -> None:
    assert set(faults(**fields)) == set(fields)


def test_lists_are_stored_in_one_form() -> None:
    remote = saved(
        subdirs=["osx-arm64", "linux-64", "linux-64"], allowed_hosts=["CDN.example.org."]
    )
    assert remote.subdirs == ["linux-64", "osx-arm64"]
    assert remote.allowed_hosts == ["cdn.example.org"]


def test_a_client_certificate_needs_its_own_key() -> None:
    authority = Authority("Tests")
    one, other = authority.issue("one"), authority.issue("other")
    pair = {"client_cert": one.certificate, "client_key": one.key}
    assert faults(ca_cert=authority.certificate, **pair) == {}
    assert set(faults(client_cert=one.certificate)) == {"client_key"}
    assert set(faults(client_key=one.key)) == {"client_cert"}
    assert faults(client_cert=one.certificate, client_key=other.key)
    assert faults(client_cert=one.certificate, client_key="nonsense")
    remote = saved(**pair)
    assert faults(remote, client_cert=other.certificate)
    assert changed(remote, client_cert=other.certificate, client_key=other.key)


def test_a_repository_keeps_its_packages_if_its_remote_is_deleted(
    repository: CondaRepository,
) -> None:
    repository.remote = saved()
    repository.save()
    CondaRemote.objects.get().delete()
    repository.refresh_from_db()
    assert repository.remote is None
