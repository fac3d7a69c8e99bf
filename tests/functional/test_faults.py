"""Processes die during uploads: no package is half-visible, and a retry succeeds."""

import hashlib
import json
import random
from concurrent.futures import ThreadPoolExecutor, as_completed

import requests

from tests.builders import PackageBuilder
from tests.functional.clients import solve_from
from tests.functional.harness import Rest, RunningServer
from tests.functional.retries import assert_whole, upload_until_there


def test_processes_killed_during_uploads(own_server: RunningServer, chance: random.Random) -> None:
    packages = [PackageBuilder(f"demo{number}").payload(5000) for number in range(24)]
    victims = ("worker", "api", "content", "proxy")
    moments = dict(zip(sorted(chance.sample(range(1, 16), len(victims))), victims, strict=True))
    with ThreadPoolExecutor(8) as pool:
        uploads = [pool.submit(upload_until_there, own_server, package) for package in packages]
        for done, upload in enumerate(as_completed(uploads), 1):
            upload.result()
            if victim := moments.get(done):
                own_server.kill(victim)
    assert_whole(own_server, {package.filename for package in packages})
    assert len(solve_from([own_server.channel("acme")], [p.index["name"] for p in packages])) == 24


def test_the_power_fails_during_uploads(own_server: RunningServer) -> None:
    packages = [PackageBuilder(f"demo{number}").payload(5000) for number in range(12)]
    taken = []
    with ThreadPoolExecutor(4) as pool:
        uploads = {
            pool.submit(
                own_server.put, f"{own_server.channel('acme')}/x.conda", package.conda()
            ): package
            for package in packages
        }
        for upload in as_completed(uploads):
            if upload.exception() is None and upload.result().status_code == 201:
                taken.append(uploads[upload].filename)
            if len(taken) == 3:
                own_server.kill_everything()
    own_server.start()
    assert_whole(own_server, set(taken))
    for package in packages:
        upload_until_there(own_server, package)
    assert_whole(own_server, {package.filename for package in packages})


def test_an_incomplete_file_of_a_dead_process_is_overwritten(
    server: RunningServer, owner: str
) -> None:
    body = PackageBuilder(owner).payload(5000).conda()
    digest = hashlib.sha256(body).hexdigest()
    stored = server.home / "media" / "artifact" / digest[:2] / digest[2:]
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(body[:1000])
    url = server.channel(owner)
    assert server.put(f"{url}/x.conda", body).status_code == 201
    served = requests.get(f"{url}/noarch/{owner}-1.0-0.conda", timeout=30)
    assert served.content == body


def test_bytes_that_are_stored_already_write_no_error_into_the_databases_log(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    log = server.home / "logs" / "postgresql.log"
    before = log.read_text().count("ERROR")
    body = PackageBuilder(owner).conda()
    with ThreadPoolExecutor(4) as pool:
        urls = [f"{server.channel(owner, f'c{number}')}/x.conda" for number in range(4)]
        first = list(pool.map(lambda url: server.put(url, body).status_code, urls))
    assert first == [201] * 4
    assert server.put(urls[0], body).status_code == 409
    instructions = {"patch_instructions_version": 1, "remove": [f"{owner}-1.0-0.conda"]}
    patch = json.dumps(instructions)
    for _ in range(2):
        answer = rest.request(
            "POST",
            "content/conda/repodata_patches/",
            files={"file": ("patch_instructions.json", patch)},
            data={"subdir": "noarch"},
        )
        rest.wait(answer)
    assert log.read_text().count("ERROR") == before
