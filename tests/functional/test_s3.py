"""S3 as the storage (simulated by moto), with and without redirects."""

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

import boto3
import pytest
import requests

from tests.functional.clients import install_from
from tests.functional.harness import RunningServer
from tests.functional.http_rules import PACKAGE, check_conditions, check_ranges, files_of, get
from tests.functional.s3 import BUCKET, channel_in, running_s3


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The URL of an S3 with a bucket."""
    with running_s3() as url:
        yield url


def test_files_without_redirect_follow_the_same_rules(
    domain_server: RunningServer, s3: str, tmp_path: Path
) -> None:
    url = channel_in(domain_server, s3, "s3-through", redirects=False)
    for path in files_of(url):
        whole = requests.get(f"{url}/{path}", allow_redirects=False, timeout=30)
        assert whole.status_code == 200, path
        assert whole.headers["ETag"] == f'"{sha256(whole.content).hexdigest()}"'
        head = requests.head(f"{url}/{path}", timeout=30)
        assert head.headers["Content-Length"] == str(len(whole.content))
        check_conditions(f"{url}/{path}", whole)
        check_ranges(f"{url}/{path}", whole)
    assert install_from([url], ["demo"], tmp_path / "env") == ["demo-1.0-0.conda"]


def test_packages_are_redirected_and_nothing_else(
    domain_server: RunningServer, s3: str, tmp_path: Path
) -> None:
    url = channel_in(domain_server, s3, "s3-redirected", redirects=True)
    for path in files_of(url):
        here = partial(requests.get, f"{url}/{path}", allow_redirects=False, timeout=30)
        answer = here()
        if path != PACKAGE:
            assert answer.status_code == 200, path
            check_conditions(f"{url}/{path}", answer)
            continue
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(s3)
        assert answer.headers["Cache-Control"] == "no-store"
        etag = answer.headers["ETag"]
        assert here(headers={"If-None-Match": etag}).status_code == 304
        whole = get(f"{url}/{path}")
        assert whole.status_code == 200
        assert etag == f'"{sha256(whole.content).hexdigest()}"'
        assert whole.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert whole.headers["Content-Type"] == "application/octet-stream"
        part = get(f"{url}/{path}", Range="bytes=5-9")
        assert (part.status_code, part.content) == (206, whole.content[5:10])
        head = requests.head(f"{url}/{path}", allow_redirects=True, timeout=30)
        assert head.status_code == 200
        assert head.headers["Content-Length"] == str(len(whole.content))
    assert install_from([url], ["demo"], tmp_path / "env") == ["demo-1.0-0.conda"]
    assert requests.get(f"{url}/noarch/other-1-0.conda", timeout=30).status_code == 404


def test_a_storage_that_is_gone_is_the_servers_fault(domain_server: RunningServer, s3: str) -> None:
    url = channel_in(domain_server, s3, "s3-lost", redirects=False)
    client = boto3.resource(
        "s3", endpoint_url=s3, aws_access_key_id="key", aws_secret_access_key="secret"
    )
    client.Bucket(BUCKET).objects.filter(Prefix="s3-lost/").delete()
    assert get(f"{url}/{PACKAGE}").status_code == 503
    assert get(f"{url}/noarch/repodata.json").status_code == 503
