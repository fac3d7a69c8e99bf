"""Forgejo's API: uploads by PUT."""

import bz2
import hashlib
import json
import socket
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from tarfile import SYMTYPE
from urllib.parse import urlsplit

import pytest
import requests

from tests.builders import PackageBuilder, zip_of
from tests.functional.channels import repodata
from tests.functional.harness import PASSWORD, Rest, RunningServer

# The package of the Forgejo registry's own tests.
TEST_PACKAGE = PackageBuilder("test_package", "1.0.1", "xxx")
OUTSIDE_LINK = PackageBuilder().payload_member("l", type=SYMTYPE, linkname="/usr/lib/x")


def test_forgejos_own_test_passes(server: RunningServer, owner: str) -> None:
    main, other = server.channel(owner), server.channel(owner, "test-channel")
    tar_bz2, conda = TEST_PACKAGE.tar_bz2(), TEST_PACKAGE.conda()
    put_tar = f"{main}/test_package-1.0.1.tar.bz2"
    put_conda = f"{other}/test_package-1.0.1.conda"
    for url, body in ((put_tar, tar_bz2), (put_conda, conda)):
        assert server.put(url, body, auth=None).status_code == 401
        created = server.put(url, body)
        assert (created.status_code, created.content) == (201, b"")
        assert server.put(url, body).status_code == 409

    def status(url: str) -> int:
        return requests.get(url, timeout=30).status_code

    assert status(f"{main}/noarch/test_package-1.0.1-xxx.tar.bz2") == 200
    assert status(f"{other}/noarch/test_package-1.0.1-xxx.tar.bz2") == 404
    assert status(f"{main}/noarch/test_package-1.0.1-xxx.conda") == 404
    assert status(f"{other}/noarch/test_package-1.0.1-xxx.conda") == 200

    answer = requests.get(f"{main}/noarch/repodata.json", timeout=30)
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    assert document["info"] == {"subdir": "noarch"}
    assert document["packages.conda"] == {}
    assert document["removed"] == []
    record = document["packages"]["test_package-1.0.1-xxx.tar.bz2"]
    assert record["md5"] == hashlib.md5(tar_bz2).hexdigest()
    assert record["sha256"] == hashlib.sha256(tar_bz2).hexdigest()
    assert record["size"] == len(tar_bz2)
    assert (record["name"], record["version"]) == ("test_package", "1.0.1")
    assert (record["subdir"], record["build"]) == ("noarch", "xxx")

    mirrored = repodata(other)
    assert mirrored["packages"] == {}
    assert set(mirrored["packages.conda"]) == {"test_package-1.0.1-xxx.conda"}


def test_the_stored_name_comes_from_the_package(server: RunningServer, owner: str) -> None:
    assert server.put(f"{server.channel(owner)}/anything.conda", TEST_PACKAGE.conda()).ok
    assert set(repodata(server.channel(owner))["packages.conda"]) == {TEST_PACKAGE.filename}


def test_another_build_subdir_or_format_is_another_file(server: RunningServer, owner: str) -> None:
    url = server.channel(owner)
    packages = [
        ("x.conda", PackageBuilder("demo", "1.0", "0").conda()),
        ("x.conda", PackageBuilder("demo", "1.0", "1").conda()),
        ("x.conda", PackageBuilder("demo", "1.0", "0").subdir("linux-64").conda()),
        ("x.tar.bz2", PackageBuilder("demo", "1.0", "0").tar_bz2()),
    ]
    for name, body in packages:
        assert server.put(f"{url}/{name}", body).status_code == 201
    assert len(repodata(url)["packages.conda"]) == 2
    assert len(repodata(url)["packages"]) == 1
    assert len(repodata(url, "linux-64")["packages.conda"]) == 1


def test_other_bytes_under_the_same_name_are_refused(server: RunningServer, owner: str) -> None:
    url = f"{server.channel(owner)}/demo-1.0-0.conda"
    first = PackageBuilder().payload(100).conda()
    assert server.put(url, first).status_code == 201
    refused = server.put(url, PackageBuilder().payload(200).conda())
    assert refused.status_code == 409
    assert refused.json() == {
        "reason": "Conflict",
        "message": "package file already exists: noarch/demo-1.0-0.conda",
    }
    assert (
        requests.get(f"{server.channel(owner)}/noarch/demo-1.0-0.conda", timeout=30).content
        == first
    )


def test_the_subdir_in_the_url_must_be_the_packages_own(server: RunningServer, owner: str) -> None:
    channel = server.channel(owner, "dev")
    body = PackageBuilder().subdir("linux-64").conda()
    wrong = server.put(f"{channel}/osx-64/demo-1.0-0.conda", body)
    assert (wrong.status_code, wrong.json()["reason"]) == (400, "Bad Request")
    assert "osx-64" in wrong.json()["message"]
    assert server.put(f"{channel}/linux-64/demo-1.0-0.conda", body).status_code == 201
    assert set(repodata(channel, "linux-64")["packages.conda"]) == {"demo-1.0-0.conda"}


def test_a_package_without_a_subdir_gets_the_urls_subdir(server: RunningServer, owner: str) -> None:
    channel = server.channel(owner, "old")
    silent = PackageBuilder("silent").without_index("subdir", "noarch").conda()
    refused = server.put(f"{channel}/x.conda", silent)
    assert (refused.status_code, "subdir" in refused.json()["message"]) == (400, True)
    assert server.put(f"{channel}/linux-64/x.conda", silent).status_code == 201
    assert server.put(f"{channel}/win-64/x.conda", silent).status_code == 201
    says = PackageBuilder("says").without_index("subdir", "noarch")
    body = says.with_index(platform="osx", arch="x86_64").conda()
    assert server.put(f"{channel}/x.conda", body).status_code == 201
    found = {
        (subdir, name, record["subdir"])
        for subdir in ("linux-64", "win-64", "osx-64")
        for name, record in repodata(channel, subdir)["packages.conda"].items()
    }
    assert found == {
        ("linux-64", "silent-1.0-0.conda", "linux-64"),
        ("win-64", "silent-1.0-0.conda", "win-64"),
        ("osx-64", "says-1.0-0.conda", "osx-64"),
    }


def test_packages_of_older_tools_are_taken(server: RunningServer, rest: Rest, owner: str) -> None:
    channel = server.channel(owner, "old")
    packages = [
        PackageBuilder("about").document("about.json", b'{"summary": "\xe9", "x": NaN}').conda(),
        PackageBuilder("export").document("run_exports.json", b'"a >=1"').conda(),
        PackageBuilder("no-number").without_index("build_number").conda(),
        PackageBuilder("float").with_index(timestamp=1719972900.0).conda(),
        zip_of([("metadata.json", b""), *PackageBuilder("metadata").zip_members()[1:]]),
    ]
    for package in packages:
        answer = server.put(f"{channel}/x.conda", package)
        assert answer.status_code == 201, answer.text
    records = {each["name"]: each for each in repodata(channel)["packages.conda"].values()}
    assert set(records) == {"no-number", "float", "metadata", "about", "export"}
    assert records["no-number"]["build_number"] == 0
    assert json.dumps(records["float"]["timestamp"]) == "1719972900"
    (unit,) = rest.get("content/conda/packages/", sha256=records["about"]["sha256"])["results"]
    assert unit["about"] == {"summary": "é"}
    exports = requests.get(f"{channel}/noarch/run_exports.json", timeout=30).json()
    found = exports["packages.conda"]["export-1.0-0.conda"]["run_exports"]
    assert found == {"weak": ["a >=1"]}


def test_a_channels_name_may_hold_slashes(server: RunningServer, owner: str) -> None:
    channel = server.channel(owner, "team/dev")
    assert server.put(f"{channel}/demo-1.0-0.conda", PackageBuilder().conda()).status_code == 201
    around = server.channel(owner, "team")
    assert server.put(f"{around}/x.conda", PackageBuilder(version="2.0").conda()).status_code == 201
    assert set(repodata(channel)["packages.conda"]) == {"demo-1.0-0.conda"}
    assert set(repodata(around)["packages.conda"]) == {"demo-2.0-0.conda"}


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("x.conda", b"rubbish", 400, "content is something else"),
        ("x.conda", b"", 400, "content is something else"),
        ("x.tar.bz2", bz2.compress(b"no tar"), 400, "truncated"),
        ("x.tar.bz2", TEST_PACKAGE.tar_bz2() + bz2.compress(b""), 400, "bzip2 stream"),
        ("x.conda", OUTSIDE_LINK.conda(), 400, "link"),
        ("x.conda", TEST_PACKAGE.conda()[:-30], 400, ""),
        ("x.tar.bz2", TEST_PACKAGE.conda(), 400, "tar.bz2"),
        ("x.tar.gz", TEST_PACKAGE.conda(), 404, "ends in"),
        ("x.CONDA", TEST_PACKAGE.conda(), 404, "ends in"),
        (".conda", TEST_PACKAGE.conda(), 404, "ends in"),
        ("dev/.tar.bz2", TEST_PACKAGE.tar_bz2(), 404, "ends in"),
        ("dev/", TEST_PACKAGE.conda(), 404, "ends in"),
        ("Bad!Channel/x.conda", TEST_PACKAGE.conda(), 400, "channel"),
    ],
)  # fmt: skip
def test_bad_uploads_say_why_and_leave_nothing(
    server: RunningServer, rest: Rest, owner: str, name: str, body: bytes, status: int, words: str
) -> None:
    artifacts = rest.get("artifacts/", limit=1)["count"]
    answer = server.put(f"{server.channel(owner)}/{name}", body)
    assert answer.status_code == status
    assert set(answer.json()) == {"reason", "message"}
    assert words in answer.json()["message"]
    assert rest.get("artifacts/", limit=1)["count"] == artifacts
    assert rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["count"] == 0
    assert not list((server.home / "tmp").rglob("*.upload*"))


def test_wrong_credentials_are_401_and_missing_rights_403(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    url = f"{server.channel(owner)}/demo-1.0-0.conda"
    body = PackageBuilder().conda()
    for auth in (None, ("admin", "wrong"), ("nobody", "x")):
        answer = server.put(url, body, auth=auth)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert set(answer.json()) == {"reason", "message"}
    user = rest.create("users/", username=f"not-{owner}", password=f"secret-{owner}")
    auth = (f"not-{owner}", f"secret-{owner}")
    assert server.put(url, body, auth=auth).status_code == 403
    roles = ("conda.condarepository_creator", "conda.condadistribution_creator")
    for role in roles:
        rest.create(f"{user['pulp_href']}roles/", role=role, content_object=None)
    assert server.put(url, body, auth=auth).status_code == 201
    more = PackageBuilder(version="2.0").conda()
    assert server.put(url, more, auth=auth).status_code == 201, "owns what it created"


def test_a_truncated_body_is_refused(server: RunningServer, owner: str) -> None:
    where = urlsplit(server.origin)
    body = PackageBuilder().payload(50_000).conda()
    credentials = b64encode(f"admin:{PASSWORD}".encode()).decode()
    with socket.create_connection((where.hostname, where.port)) as client:
        client.sendall(
            f"PUT /api/packages/{owner}/conda/x.conda HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Basic {credentials}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body[:20_000]
        )
    assert (
        requests.get(f"{server.channel(owner)}/noarch/repodata.json", timeout=30).status_code == 404
    )
    assert server.put(f"{server.channel(owner)}/x.conda", body).status_code == 201


def test_a_chunked_body_is_taken(server: RunningServer, owner: str) -> None:
    body = PackageBuilder().payload(50_000).conda()
    pieces = (body[at : at + 1000] for at in range(0, len(body), 1000))
    assert server.put(f"{server.channel(owner)}/x.conda", pieces).status_code == 201


def test_one_file_uploaded_by_many_at_once_is_stored_once(
    server: RunningServer, owner: str
) -> None:
    url, body = f"{server.channel(owner)}/x.conda", PackageBuilder().conda()
    with ThreadPoolExecutor(20) as pool:
        statuses = [a.status_code for a in pool.map(lambda _: server.put(url, body), range(20))]
    assert sorted(statuses) == [201] + [409] * 19


_COMMIT_TOGETHER = """
from datetime import timedelta
from django.utils.timezone import now
from pulpcore.app.contexts import with_task_context
from pulpcore.plugin.models import Task
from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.models import CondaPackage, CondaRepository, PendingChange
repository = CondaRepository.objects.get(name={name!r})
uploads = [
    PendingChange.objects.create(
        repository=repository, package=package, expires=now() + timedelta(minutes=1)
    )
    for package in (CondaPackage.objects.get(sha256=sha256) for sha256 in {digests!r})
]
with with_task_context(Task.objects.create(name="a commit", state="running")):
    commit_pending(repository)
for upload in uploads:
    upload.refresh_from_db()
    print(upload.outcome)
"""


@pytest.mark.parametrize("sizes", [(100, 200), (100, 100), (300, 200, 100)])
def test_the_newest_of_several_waiting_uploads_of_one_path_wins(
    server: RunningServer, rest: Rest, owner: str, sizes: tuple[int, ...]
) -> None:
    """The older uploads may be attempts that their clients gave up; the retry must get 201."""
    url = server.channel(owner)
    assert server.put(f"{url}/x.conda", PackageBuilder("other").conda()).status_code == 201
    units = [rest.upload(PackageBuilder().payload(size).conda()) for size in sizes]
    digests = [unit["sha256"] for unit in units]
    code = _COMMIT_TOGETHER.format(name=f"{owner}/main", digests=digests)
    *older, newest = server.shell(code).split()
    assert set(older) == {"exists"}
    assert newest == "added"
    assert repodata(url)["packages.conda"]["demo-1.0-0.conda"]["sha256"] == digests[-1]


def test_many_files_uploaded_at_once_are_all_installable(server: RunningServer, owner: str) -> None:
    url = server.channel(owner)
    packages = [PackageBuilder(f"demo{number}").payload(2000) for number in range(20)]

    def upload(package: PackageBuilder) -> int:
        status = server.put(f"{url}/{package.filename}", package.conda()).status_code
        assert package.filename in repodata(url)["packages.conda"], "201 means installable"
        return status

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(upload, packages)) == [201] * 20
    assert len(repodata(url)["packages.conda"]) == 20
