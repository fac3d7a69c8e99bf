"""Where an upstream's documents may send the server for files and shards."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.upstream.errors import UnusableDocument
from pulp_conda.formats.upstream.names import filename_fault
from pulp_conda.formats.upstream.urls import files_url, package_url, shard_url, shards_url

INDEX = "https://up.example.org/a/channel/linux-64/repodata_shards.msgpack.zst"
FOLDER = "https://up.example.org/a/channel/linux-64/"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", FOLDER),
        (".", FOLDER),
        ("./", FOLDER),
        ("./shards/", f"{FOLDER}shards/"),
        ("./shards", f"{FOLDER}shards/"),
        ("shards", f"{FOLDER}shards/"),
        ("../noarch", "https://up.example.org/a/channel/noarch/"),
        ("../../../../../x", "https://up.example.org/x/"),
        ("/files", "https://up.example.org/files/"),
        ("https://up.example.org/other", "https://up.example.org/other/"),
        ("https://UP.example.org:443/other/", "https://UP.example.org:443/other/"),
        ("//up.example.org/x", "https://up.example.org/x/"),
        ("https://up.example.org", "https://up.example.org/"),
        ("%2e%2e/x", f"{FOLDER}%2e%2e/x/"),
    ],
)
def test_a_url_is_joined_as_clients_join_it(said: str, expected: str) -> None:
    assert files_url(INDEX, said) == expected
    assert shards_url(INDEX, said) == expected


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("https://other.example.org/x/", "it is on 'other.example.org', which is not an allowed"),
        ("//other.example.org/x/", "it is on 'other.example.org'"),
        ("https://up.example.org:8443/x/", "it is on 'up.example.org:8443'"),
        ("https://up.example.org.evil.example/x/", "it is on 'up.example.org.evil.example'"),
        ("http://up.example.org/x/", "it is not encrypted"),
        ("http://files.example.org/x/", "it is not encrypted"),
        ("ftp://up.example.org/x/", "it is not an HTTP URL"),
        ("file:///etc/", "it is not an HTTP URL"),
        ("https://user:pass@up.example.org/", "it has a user name"),
        ("https://user@files.example.org/", "it has a user name"),
        ("https://up.example.org@evil.example/", "it has a user name"),
        ("x?y=z", "it has a query"),
        ("x#y", "it has a query, a fragment"),
        ("https://evil.example\\@up.example.org/", "other characters"),
        ("a b", "other characters"),
        ("x\n", "other characters"),
        ("\tx", "other characters"),
        ("ü", "other characters"),
        ("https://up.example.org:99999/", "it cannot be read"),
        ("https://up.example.org:x/", "it cannot be read"),
        ("https://[::1/", "it cannot be read"),
        ("x" * 3000, "more than 2048 characters"),
    ],
)
def test_a_url_that_leads_elsewhere_is_refused(said: str, fault: str) -> None:
    with pytest.raises(UnusableDocument) as caught:
        files_url(INDEX, said, ["files.example.org"])
    assert str(caught.value).startswith("its base_url cannot be used: ")
    assert fault in str(caught.value)
    assert "pass" not in str(caught.value).replace("password", "")
    with pytest.raises(UnusableDocument, match="its shards_base_url cannot be used"):
        shards_url(INDEX, said)


def test_the_remote_may_allow_more_hosts() -> None:
    allowed = ["Files.example.org", "cdn.example.org"]
    assert (
        files_url(INDEX, "https://files.example.org/x", allowed) == "https://files.example.org/x/"
    )
    found = files_url(INDEX, "https://cdn.example.org:8443/x/", allowed)
    assert found == "https://cdn.example.org:8443/x/"


def test_plain_http_may_become_encrypted_and_stay_as_it_is() -> None:
    index = INDEX.replace("https", "http")
    assert files_url(index, "https://up.example.org/x") == "https://up.example.org/x/"
    assert files_url(index, "http://up.example.org:80/x") == "http://up.example.org:80/x/"
    assert files_url("http://127.0.0.1:8080/c/noarch/x", "") == "http://127.0.0.1:8080/c/noarch/"
    with pytest.raises(UnusableDocument):
        files_url("http://127.0.0.1:8080/c/noarch/x", "http://127.0.0.1:8081/")


def test_the_folder_of_a_document_has_no_secret() -> None:
    index = INDEX.replace("https://", "https://user:pass@") + "?signed=1"
    assert files_url(index, "") == FOLDER
    assert files_url(index, "./shards/") == f"{FOLDER}shards/"


def test_shards_and_packages_lie_in_their_folders() -> None:
    assert shard_url(f"{FOLDER}shards/", b"\x0f" * 32) == f"{FOLDER}shards/{'0f' * 32}.msgpack.zst"
    filename = "demo-1!2+x-R_0.conda"
    assert filename_fault(filename) is None
    assert urljoin(FOLDER, filename) == package_url(FOLDER, filename) == FOLDER + filename


@given(
    st.lists(
        st.sampled_from(
            ["https:", "http:", "/", "//", "..", ".", "@", ":", "up.example.org", "evil.example",
             "a", "%40", "[", "]", "&", "=", ";"]
        ),
        max_size=8,
    ).map("".join)
)  # fmt: skip
def test_whatever_is_said_the_host_stays(said: str) -> None:
    try:
        found = urlsplit(files_url(INDEX, said))
    except UnusableDocument:
        return
    assert (found.scheme, found.hostname, found.port) in [
        ("https", "up.example.org", None), ("https", "up.example.org", 443)
    ]  # fmt: skip
    assert found.path.endswith("/")
    assert (found.query, found.fragment, found.username) == ("", "", None)
