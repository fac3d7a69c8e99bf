"""How a channel's files are served as time passes: retention, dates, rollback and checkpoints."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import urljoin

import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import status
from tests.functional.channels import modify_without, repository_of, upload
from tests.functional.harness import PASSWORD, Rest, RunningServer
from tests.functional.http_rules import PACKAGE, get, shard_paths


def expire(server: RunningServer, owner: str) -> None:
    """Make the retention of everything that was served before expire."""
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


def test_files_of_an_old_index_stay_for_a_week(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    url = server.channel(owner)
    upload(server, url, PackageBuilder())
    old = shard_paths(url)["demo"]
    before = get(f"{url}/{old}").content
    upload(server, url, PackageBuilder(version="2.0"))
    assert shard_paths(url)["demo"] != old
    assert get(f"{url}/{old}").content == before
    repository = repository_of(rest, owner)
    modify_without(rest, repository, version="1.0")
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
    """Wait until new objects get another time, in whole seconds, than existing ones."""
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
    """Make all versions of a channel an hour older."""
    server.shell(
        "from datetime import timedelta\n"
        "from django.db.models import F\n"
        "from pulpcore.app.models import RepositoryVersion\n"
        f"found = RepositoryVersion.objects.filter(repository__name='{owner}/main')\n"
        "found.update(pulp_created=F('pulp_created') - timedelta(hours=1))\n"
    )


def later(date: str, seconds: int) -> str:
    """Return a header's date, `seconds` later."""
    moment = parsedate_to_datetime(date) + timedelta(seconds=seconds)
    return format_datetime(moment, usegmt=True)


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
            (path,) = shard_paths(url).values()
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
