"""A sync dies, fails or is fed damage: the next sync without faults makes up for all of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulpcore.plugin.exceptions import PulpException

from pulp_conda.app.channels.sync.apply import Shrunk
from pulp_conda.app.channels.sync.sync import NothingRead
from pulp_conda.app.channels.upkeep.check_index import faults_of
from pulp_conda.app.failpoints import Failpoint
from pulp_conda.app.models import MIRROR, CondaPackage, CondaRepository, publication_of
from tests.builders import PackageBuilder
from tests.database.factories import make_channel, upload
from tests.database.instants import dies_at
from tests.database.upstream_channel import (
    Answer,
    UpstreamChannel,
    held,
    make_remote,
    synced,
    upstream_channel,
)
from tests.unit.formats.channels import SUBDIR, Record, record

_INSTANTS: list[Failpoint] = [
    "units staged",
    "upstream read",
    "repository held",
    "version saved",
    "shards saved",
    "storing documents",
    "index saved",
    "committed",
]
_DAMAGE: dict[str, Callable[[bytes], Answer]] = {
    "absent": lambda _: (404, {}, b""),
    "forbidden": lambda _: (403, {}, b""),
    "failing": lambda _: (500, {}, b""),
    "cut": lambda body: (200, {}, body[: len(body) // 2]),
    "empty": lambda _: (200, {}, b""),
    "nothing": lambda _: (200, {}, b"{}"),
    "a page": lambda _: (200, {"Content-Type": "text/html"}, b"<html>"),
    "flipped": lambda body: (200, {}, bytes([*body[:-1], body[-1] ^ 1]) if body else body),
    "not modified": lambda _: (304, {}, b""),
}


def is_mirror(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    """Check that a channel has exactly what its upstream has, and a right index."""
    wanted = upstream.channel.records
    found = held(repository)
    assert found.keys() == wanted.keys()
    for filename, package in found.items():
        assert package.record == wanted[filename]
        assert package.run_exports == wanted[filename].get("exports", {})
    publication = publication_of(repository.latest_version())
    assert publication is not None
    assert list(faults_of(publication)) == []


@pytest.mark.usefixtures("real_commits")
@pytest.mark.parametrize("instant", _INSTANTS)
def test_a_sync_dies(
    repository: CondaRepository, upstream: UpstreamChannel, instant: Failpoint
) -> None:
    upstream.publish(record("a", "1.0"), record("b", "1.0"))
    remote = make_remote(upstream, max_shrink=100)
    synced(repository, remote, MIRROR)
    upstream.publish(record("b", "1.0", "hotfix"), record("c", "1.0"))
    assert dies_at(instant, lambda: synced(repository, remote, MIRROR))
    repository = CondaRepository.objects.get(pk=repository.pk)
    is_done = instant == "committed"
    assert repository.latest_version().number == (2 if is_done else 1)
    synced(repository, remote, MIRROR)
    assert repository.latest_version().number == 2
    is_mirror(repository, upstream)
    assert CondaPackage.objects.count() == 4, "no unit is saved twice"


_RECORDS: list[Record] = [
    record(name, version, *depends, **fields)
    for name, version, depends, fields in (
        ("a", "1.0", (), {}),
        ("a", "1.0", ("hotfix",), {}),
        ("a", "2.0", (), {"exports": {"weak": ["a >=2"]}}),
        ("b", "1.0", ("a",), {}),
        ("b", "1.0", ("a",), {"sha256": "e" * 64}),
        ("c", "1.0", (), {"license": None, "odd": 1.5}),
    )
]


@st.composite
def _steps(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Return what happens to an upstream and to a channel."""
    upstream_has = st.lists(st.integers(0, len(_RECORDS) - 1), max_size=len(_RECORDS), unique=True)
    documents = st.sampled_from(
        [("shards", "run_exports"), ("run_exports", "bz2"), ("shards", "run_exports", "bz2")]
    )
    damage = st.tuples(st.integers(0, 20), st.sampled_from(sorted(_DAMAGE)))
    return draw(
        st.lists(
            st.one_of(
                st.tuples(st.just("publish"), st.tuples(upstream_has, documents)),
                st.tuples(st.just("damaged"), st.lists(damage, min_size=1, max_size=3)),
                st.tuples(st.just("sync"), st.sampled_from(["additive", MIRROR])),
                st.tuples(st.just("upload"), st.sampled_from("abx")),
            ),
            min_size=1,
            max_size=6,
        )
    )


_channels = iter(range(10**6))


@settings(max_examples=20)
@given(steps=_steps())
def test_any_history(steps: list[tuple[str, Any]]) -> None:
    number = next(_channels)
    repository = make_channel("org", f"mirror{number}")
    with upstream_channel() as upstream:
        upstream.publish()
        remote = make_remote(upstream, name=f"remote{number}", max_shrink=100)
        for step, (kind, value) in enumerate(steps):
            match kind:
                case "publish":
                    chosen, documents = value
                    upstream.publish(*(_RECORDS[each] for each in chosen), documents=documents)
                case "damaged":
                    _sync_damaged(upstream, repository, remote, value)
                case "sync":
                    synced(repository, remote, value)
                case "upload":
                    repository.refresh_from_db()
                    builder = PackageBuilder(value, f"7.{number}.{step}").subdir(SUBDIR)
                    upload(repository, builder)
        # By force, because an upstream that has become empty is not believed.
        synced(repository, remote, MIRROR, optimize=False, force=True)
        is_mirror(repository, upstream)
        synced(repository, remote, MIRROR)
        is_mirror(repository, upstream)


def _sync_damaged(
    upstream: UpstreamChannel, repository: CondaRepository, remote: Any, damage: list[Any]
) -> None:
    paths = sorted(upstream.documents)
    for place, kind in damage:
        path = paths[place % len(paths)]
        upstream.odd[path] = partial(_DAMAGE[kind], upstream.documents[path])
    try:
        synced(repository, remote, MIRROR)
    except (PulpException, NothingRead, Shrunk):
        pass
    finally:
        upstream.odd.clear()
