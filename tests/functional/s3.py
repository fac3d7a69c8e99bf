"""S3 as the storage of a channel, simulated by moto."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

from tests.builders import PackageBuilder
from tests.functional.harness import Rest, RunningServer

BUCKET = "pulp"
_STORAGE = "storages.backends.s3.S3Storage"
_KEYS = {"access_key": "key", "secret_key": "secret"}


@contextmanager
def running_s3() -> Iterator[str]:
    """The URL of an S3 with a bucket."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    url = f"http://{host}:{port}"
    names = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **names)
    client.create_bucket(Bucket=BUCKET)
    yield url
    moto.stop()


def channel_in(server: RunningServer, s3: str, name: str, *, redirects: bool) -> str:
    """Make a domain in the storage, with a package in a channel, and return the channel's URL."""
    options = {
        **_KEYS,
        "bucket_name": BUCKET,
        "endpoint_url": s3,
        "region_name": "us-east-1",
        "location": name,
        "default_acl": "private",
    }
    Rest(server).create(
        "domains/",
        name=name,
        storage_class=_STORAGE,
        storage_settings=options,
        redirect_to_object_storage=redirects,
    )
    url = server.channel(name)
    package = PackageBuilder().payload(700_000)
    assert server.put(f"{url}/x.conda", package.conda()).status_code == 201
    return url
