"""How a channel's files are served: by whom, for how long, with which headers."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin

import msgspec
import pytest
import requests
import zstandard

from tests.builders import PackageBuilder
from tests.functional.accounts import status
from tests.functional.channels import modify, repository_of
from tests.functional.harness import PASSWORD, Rest, RunningServer
from tests.functional.test_private import private_channel

PACKAGE = "noarch/demo-1.0-0.conda"
SHARD_INDEX = "noarch/repodata_shards.msgpack.zst"
UNCHANGED = ("ETag", "Cache-Control", "Last-Modified")


def upload(server: RunningServer, url: str, *packages: PackageBuilder) -> None:
    for package in packages:
        answer = server.put(f"{url}/x.conda", package.conda())
        assert answer.status_code == 201, answer.text


def get(url: str, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(url, headers={"Accept-Encoding": "zstd, gzip", **named}, timeout=30)


def shards(url: str, subdir: str = "noarch") -> dict[str, str]:
    """Return the path of the shard of each name."""
    answer = get(f"{url}/{subdir}/repodata_shards.msgpack.zst")
    assert answer.status_code == 200
    raw = zstandard.ZstdDecompressor().decompressobj().decompress(answer.content)
    index = msgspec.msgpack.decode(raw)
    assert index["info"]["shards_base_url"] in ("shards/", "./shards/")
    return {
        name: f"{subdir}/shards/{digest.hex()}.msgpack.zst"
        for name, digest in index["shards"].items()
    }


def files_of(url: str) -> list[str]:
    """Return a path of each kind."""
    documents = ("repodata.json", "repodata.json.zst", "current_repodata.json", "run_exports.json")
    return [
        *(f"noarch/{name}" for name in documents),
        SHARD_INDEX,
        "channeldata.json",
        PACKAGE,
        *shards(url).values(),
    ]


def test_every_file_follows_the_rules_of_http(server: RunningServer, owner: str) -> None:
    registry, content = server.channel(owner), f"{server.origin}/pulp/content/{owner}/main"
    upload(server, registry, PackageBuilder().payload(100_000))
    for path in files_of(registry):
        for url in (f"{registry}/{path}", f"{content}/{path}"):
            whole = get(url)
            assert whole.status_code == 200, path
            etag = whole.headers["ETag"]
            assert etag == f'"{sha256(whole.content).hexdigest()}"', path
            assert "Content-Encoding" not in whole.headers
            assert whole.headers["Content-Length"] == str(len(whole.content))
            assert whole.headers["Accept-Ranges"] == "bytes"
            lasting = "/shards/" in path
            kept = "max-age=31536000, immutable" if lasting else "max-age=0, must-revalidate"
            assert whole.headers["Cache-Control"] == f"public, {kept}"
            assert ("Last-Modified" in whole.headers) == ("/shards/" not in path)
            head = requests.head(url, headers={"Accept-Encoding": "identity"}, timeout=30)
            assert head.status_code == 200
            unlike = {"Date", "Server"}
            assert {k: v for k, v in head.headers.items() if k not in unlike} == {
                k: v for k, v in whole.headers.items() if k not in unlike
            }
            check_conditions(url, whole)
            check_ranges(url, whole)


def check_conditions(url: str, whole: requests.Response) -> None:
    etag, modified = whole.headers["ETag"], whole.headers.get("Last-Modified")
    expected = {name: whole.headers[name] for name in UNCHANGED if name in whole.headers}
    long_ago = "Mon, 01 Jan 2024 00:00:00 GMT"
    unchanged = [get(url, If_None_Match=etag), get(url, If_None_Match=f'"x", W/{etag}')]
    unchanged.append(get(url, If_None_Match=etag, If_Modified_Since=long_ago))
    if modified:
        unchanged.append(get(url, If_Modified_Since=modified))
    for answer in unchanged:
        assert (answer.status_code, answer.content) == (304, b"")
        assert {name: answer.headers.get(name) for name in expected} == expected
        assert "Content-Type" not in answer.headers
    assert get(url, If_None_Match='"x"', If_Modified_Since=modified or "").status_code == 200
    assert get(url, If_Modified_Since=long_ago).status_code == 200
    assert get(url, If_Match='"x"').status_code == 412


def check_ranges(url: str, whole: requests.Response) -> None:
    size, etag = len(whole.content), whole.headers["ETag"]
    for wanted, start, end in (
        ("bytes=0-9", 0, 10),
        (f"bytes={size - 3}-", size - 3, size),
        ("bytes=-5", size - 5, size),
        (f"bytes=1-{size * 2}", 1, size),
    ):
        for extra in ({}, {"If_Range": etag}):
            part = get(url, Range=wanted, **extra)
            assert part.status_code == 206
            assert part.content == whole.content[start:end]
            assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
            assert part.headers["ETag"] == etag
    assert get(url, Range="bytes=0-9", If_Range='"x"').content == whole.content
    assert get(url, Range="bytes=0-1,5-6").content == whole.content
    outside = get(url, Range=f"bytes={size}-")
    assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_what_no_channel_has_is_not_there(server: RunningServer, owner: str) -> None:
    url = server.channel(owner)
    upload(server, url, PackageBuilder())
    for path in (
        "noarch/index_manifest.msgpack.zst",
        "index_manifest.msgpack.zst",
        f"noarch/shards/{'0' * 64}.msgpack.zst",
        "noarch/shards/",
        "noarch/jlap",
        "plan9-128/repodata.json",
        "linux-64/repodata_from_packages.json",
        "linux-64/demo-1.0-0.conda",
        "noarch/demo-1.0-1.conda",
        "noarch/de%00mo-1.0-0.conda",
        "noarch/d%C3%A9mo-1.0-0.conda",
        "noarch/%ED%A0%80-1.0-0.conda",
        "noarch/" + 500 * "a/" + "repodata.json",
    ):
        for base in (url, f"{server.origin}/pulp/content/{owner}/main"):
            answer = get(f"{base}/{path}")
            assert answer.status_code == 404, path
            assert answer.headers.get("Cache-Control", "no-store") == "no-store"
            assert requests.head(f"{base}/{path}", timeout=30).status_code == 404


def test_a_shard_belongs_to_its_channel_and_subdir(server: RunningServer, owner: str) -> None:
    ours, others = server.channel(owner), server.channel(owner, "others")
    upload(server, ours, PackageBuilder("secret"), PackageBuilder("lib").subdir("linux-64"))
    upload(server, others, PackageBuilder("other"), PackageBuilder("lib2").subdir("linux-64"))
    path = shards(ours)["secret"]
    assert status(f"{ours}/{path}") == 200
    assert status(f"{others}/{path}") == 404
    assert status(f"{ours}/{path.replace('noarch', 'linux-64')}") == 404


def expire(server: RunningServer, owner: str) -> None:
    """Let the retention of all that was served before come to its end."""
    server.shell(
        "from datetime import timedelta\n"
        "from pulpcore.app.models import DistributedPublication as Served\n"
        f"found = Served.objects.filter(distribution__base_path__startswith='{owner}/')\n"
        "for served in found.filter(expires_at__isnull=False):\n"
        "    served.expires_at -= timedelta(days=7)\n"
        "    served.save(skip_hooks=True)\n"
        "from django.db.models import F\n"
        "from pulp_conda.app.models import CondaShard\n"
        f"found = CondaShard.objects.filter(repository__name__startswith='{owner}/')\n"
        "found.update(superseded=F('superseded') - timedelta(days=7))\n"
    )


def test_what_an_old_index_named_stays_for_a_week(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    url = server.channel(owner)
    upload(server, url, PackageBuilder())
    old = shards(url)["demo"]
    before = get(f"{url}/{old}").content
    upload(server, url, PackageBuilder(version="2.0"))
    assert shards(url)["demo"] != old
    assert get(f"{url}/{old}").content == before
    repository = repository_of(rest, owner)
    (unit,) = rest.get(
        "content/conda/packages/",
        repository_version=repository["latest_version_href"],
        version="1.0",
    )["results"]
    modify(rest, repository, remove_content_units=[unit["pulp_href"]])
    assert status(f"{url}/{PACKAGE}") == 200
    left = server.shell(
        "from django.utils.timezone import now\n"
        "from pulpcore.app.models import DistributedPublication as Served\n"
        f"found = Served.objects.filter(distribution__base_path='{owner}/main')\n"
        "ends = [served.expires_at for served in found if served.expires_at]\n"
        "print(min((end - now()).total_seconds() for end in ends))\n"
    )
    assert 6.9 * 24 * 3600 < float(left) <= 7 * 24 * 3600
    expire(server, owner)
    assert status(f"{url}/{old}") == 404
    assert status(f"{url}/{PACKAGE}") == 404
    assert status(f"{url}/noarch/demo-2.0-0.conda") == 200


def test_the_retention_is_the_operators_to_set(server: RunningServer) -> None:
    env = {
        **os.environ,
        "PULP_SETTINGS": str(server.home / "settings.py"),
        "PULP_DISTRIBUTED_PUBLICATION_RETENTION_PERIOD": "1209600",
        "DJANGO_SETTINGS_MODULE": "pulpcore.app.settings",
    }
    code = (
        "from django.conf import settings; print(settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD)"
    )
    command = [sys.executable, "-c", code]
    assert int(subprocess.check_output(command, env=env)) == 1209600


def test_two_documents_of_one_second_are_told_apart_by_a_date(
    server: RunningServer, owner: str
) -> None:
    url = server.channel(owner)
    modified = None
    for number in range(6):
        upload(server, url, PackageBuilder(f"demo{number}"))
        answer = get(f"{url}/noarch/repodata.json", If_Modified_Since=modified or "")
        assert answer.status_code == 200, number
        assert f"demo{number}-1.0-0.conda" in answer.json()["packages.conda"]
        modified = get(f"{url}/noarch/repodata.json").headers.get("Last-Modified")


def wait_for_the_next_second() -> None:
    """Let what is made from now on have another time, to the second, than what was made before."""
    time.sleep(1 - time.time() % 1)


def test_a_rolled_back_document_is_not_taken_for_unchanged(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    url = server.channel(owner)
    upload(server, url, PackageBuilder())
    wait_for_the_next_second()
    upload(server, url, PackageBuilder(version="2.0"))
    newest = get(f"{url}/noarch/repodata.json").headers
    (distribution,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["results"]
    publications = rest.get("publications/conda/conda/", repository=distribution["repository"])
    by_age = sorted(publications["results"], key=lambda found: found["pulp_created"])
    older = by_age[-2]["pulp_href"]
    body = {"repository": None, "publication": older}
    rest.wait(rest.request("PATCH", distribution["pulp_href"], json=body))
    for known in (
        {"If_None_Match": newest["ETag"]},
        {"If_Modified_Since": newest["Last-Modified"]},
    ):
        assert get(f"{url}/noarch/repodata.json", **known).status_code == 200
    assert status(f"{url}/noarch/demo-2.0-0.conda") == 200, "served until a moment ago"


def test_a_package_that_is_replaced_by_an_older_file_is_not_taken_for_unchanged(
    server: RunningServer, owner: str
) -> None:
    url = f"{server.channel(owner)}/{PACKAGE}"
    force = f"{server.origin}/api/channels/{owner}/main/upload/x.conda?force=true"
    first, second = PackageBuilder().conda(), PackageBuilder().payload(100).conda()
    dates = []
    for body in (first, second, first):
        answer = requests.post(force, data=body, auth=("admin", PASSWORD), timeout=60)
        assert answer.status_code == 201, answer.text
        dates.append(get(url).headers["Last-Modified"])
        assert get(url, If_Modified_Since=dates[-1]).status_code == 304
        an_hour_ago(server, owner)
    dates = [later(date, -3600 * (3 - number)) for number, date in enumerate(dates)]
    current = get(url)
    assert current.content == first
    assert current.headers["Last-Modified"] == dates[2]
    for date, status_code in ((dates[1], 200), (dates[2], 304), (later(dates[2], 60), 304)):
        assert get(url, If_Modified_Since=date).status_code == status_code


def an_hour_ago(server: RunningServer, owner: str) -> None:
    """Let all versions of a channel be an hour older."""
    server.shell(
        "from datetime import timedelta\n"
        "from django.db.models import F\n"
        "from pulpcore.app.models import RepositoryVersion\n"
        f"found = RepositoryVersion.objects.filter(repository__name='{owner}/main')\n"
        "found.update(pulp_created=F('pulp_created') - timedelta(hours=1))\n"
    )


def later(date: str, seconds: int) -> str:
    """Return a header's date so many seconds later."""
    moment = parsedate_to_datetime(date) + timedelta(seconds=seconds)
    return format_datetime(moment, usegmt=True)


def test_private_channels_keep_their_shards_to_themselves(
    server: RunningServer, owner: str
) -> None:
    url = private_channel(server, owner)
    admin = partial(requests.get, auth=("admin", PASSWORD), timeout=30)
    raw = admin(f"{url}/{SHARD_INDEX}")
    assert raw.headers["Cache-Control"] == "private, max-age=0, must-revalidate"
    unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(raw.content)
    (digest,) = msgspec.msgpack.decode(unpacked)["shards"].values()
    for path in (f"noarch/shards/{digest.hex()}.msgpack.zst", PACKAGE):
        answer = admin(f"{url}/{path}")
        assert answer.status_code == 200
        kept = "max-age=31536000, immutable" if "/shards/" in path else "max-age=0, must-revalidate"
        assert answer.headers["Cache-Control"] == f"private, {kept}"
        known = {"If-None-Match": answer.headers["ETag"]}
        assert requests.get(f"{url}/{path}", headers=known, timeout=30).status_code == 401
        assert admin(f"{url}/{path}", headers=known).status_code == 304
        for base in (url, f"{server.origin}/pulp/content/{owner}/main"):
            assert status(f"{base}/{path}") == 401


def test_a_checkpoint_is_the_index_as_it_was(server: RunningServer, rest: Rest, owner: str) -> None:
    repository = rest.create("repositories/conda/conda/", name=f"{owner}/dev", autopublish=False)
    href = {"repository": repository["pulp_href"]}
    rest.create("distributions/conda/conda/", name=owner, base_path=f"{owner}/snapshots",
                checkpoint=True, **href)  # fmt: skip
    times = []
    for number in (1, 2):
        rest.upload(PackageBuilder(version=f"{number}.0").conda(), **href)
        made = rest.create("publications/conda/conda/", checkpoint=True, **href)
        times.append(made["pulp_created"])
        wait_for_the_next_second()
    first, second = (made[:19].replace("-", "").replace(":", "") + "Z" for made in times)
    assert first != second, "checkpoints are named by the second"
    registry = server.channel(owner, "snapshots")
    for base in (registry, f"{server.origin}/pulp/content/{owner}/snapshots"):
        for moment, named in ((first, 1), (second, 2)):
            url = f"{base}/{moment}"
            index = get(f"{url}/noarch/repodata.json").json()
            assert len(index["packages.conda"]) == named
            (path,) = shards(url).values()
            assert status(f"{url}/{path}") == 200
            assert status(f"{url}/{PACKAGE}") == 200
        assert status(f"{base}/{first}/noarch/demo-2.0-0.conda") == 404
        assert status(f"{base}/{first}/{path}") == 404
        between = requests.get(f"{base}/20991231T235959Z/noarch/repodata.json", timeout=30)
        assert between.status_code == 404
        assert status(f"{base}/20200101T000000Z/noarch/repodata.json") == 404
        assert status(f"{base}/20209901T000000Z/noarch/repodata.json") == 404
        assert status(f"{base}/noarch/repodata.json") == 404
    later = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for below in ("noarch/repodata.json", path, ""):
        answer = requests.get(f"{registry}/{later}/{below}", allow_redirects=False, timeout=30)
        assert answer.status_code == 302
        assert urljoin(answer.url, answer.headers["Location"]) == f"{registry}/{second}/{below}"
    listing = get(f"{server.origin}/pulp/content/{owner}/snapshots/")
    assert first in listing.text
    assert second in listing.text


def test_other_plugins_and_listings_are_left_to_pulpcore(server: RunningServer, owner: str) -> None:
    upload(server, server.channel(owner), PackageBuilder())
    content = f"{server.origin}/pulp/content"
    assert f"{owner}/" in get(f"{content}/").text
    assert "main/" in get(f"{content}/{owner}/").text
    assert status(f"{content}/nobody/main/noarch/repodata.json") == 404
    answer = requests.get(f"{content}/{owner}/main", allow_redirects=False, timeout=30)
    assert (answer.status_code, answer.headers["Location"]) == (301, "main/")


def test_a_file_that_is_lost_or_cut_is_told_as_the_servers_fault(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    url = server.channel(owner)
    upload(server, url, PackageBuilder().payload(200_000 + int(owner[5:])))
    digest = sha256(get(f"{url}/{PACKAGE}").content).hexdigest()
    file = server.home / "media" / rest.get("artifacts/", sha256=digest)["results"][0]["file"]
    content = file.read_bytes()
    for damaged in (content[:-1], None):
        file.unlink()
        if damaged:
            file.write_bytes(damaged)
        answer = get(f"{url}/{PACKAGE}")
        assert answer.status_code == 503
        assert "storage" in answer.text
        if damaged is None:
            file.write_bytes(content)
    assert get(f"{url}/{PACKAGE}").content == content


def test_few_queries_find_what_a_url_names(server: RunningServer, owner: str) -> None:
    url = server.channel(owner)
    upload(server, url, *(PackageBuilder(version=f"{number}.0") for number in range(3)))
    old = shards(url)["demo"]
    upload(server, url, PackageBuilder(version="9.0"))
    bounds = {
        "noarch/repodata.json": 3,
        PACKAGE: 3,
        shards(url)["demo"]: 3,
        old: 4,
        "noarch/missing-1.0-0.conda": 4,
        f"noarch/shards/{'0' * 64}.msgpack.zst": 4,
        "noarch/missing.json": 2,
    }
    env: dict[str, Any] = {
        **os.environ,
        "PULP_SETTINGS": str(server.home / "settings.py"),
        "DJANGO_SETTINGS_MODULE": "pulpcore.app.settings",
    }
    paths = [f"{owner}/main/{path}" for path in bounds]
    command = [sys.executable, "-m", "tests.functional.queries", *paths]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for path, bound in bounds.items():
        queries = found[f"{owner}/main/{path}"]
        assert len(queries) <= bound, (path, queries)
        assert not any("content_ids" in query for query in queries)


@pytest.mark.parametrize("path", ["noarch/repodata.json", PACKAGE])
def test_a_client_that_goes_away_leaves_nothing_behind(
    server: RunningServer, owner: str, path: str
) -> None:
    url = server.channel(owner)
    upload(server, url, PackageBuilder().payload(3_000_000))
    for _ in range(5):
        with requests.get(f"{url}/{path}", stream=True, timeout=30) as answer:
            answer.raw.read(10)
    assert status(f"{url}/{path}") == 200
