"""When a file became available in a mirror (CEP 47): clients decide by it what is too new."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from pulp_conda.app.models import CondaRepository, IndexedFile, SyncedSubdir
from tests.database.upstream_channel import (
    UpstreamChannel,
    make_remote,
    synced,
)
from tests.unit.formats.channels import record

_BUILT = 1_600_000_000_000
_INDEXED = 1_650_000_000_000


def milliseconds() -> int:
    """Return the time."""
    return int(now().timestamp() * 1000)


def times(repository: CondaRepository) -> dict[str, int]:
    """Return the time of each file of a channel."""
    files = IndexedFile.objects.filter(repository=repository)
    return dict(files.values_list("filename", "timestamp"))


def test_the_upstreams_time_is_kept(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    upstream.channel.indexed["a-1.0-0.conda"] = _INDEXED
    upstream.publish(record("a", "1.0"))
    synced(repository, make_remote(upstream))
    assert times(repository) == {"a-1.0-0.conda": _INDEXED}


def test_a_time_that_is_not_trusted_is_that_of_the_build(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.channel.indexed["a-1.0-0.conda"] = _INDEXED
    upstream.publish(record("a", "1.0", timestamp=_BUILT // 1000), record("b", "1.0"))
    synced(repository, make_remote(upstream, trust_indexed=False))
    assert times(repository) == {"a-1.0-0.conda": _BUILT, "b-1.0-0.conda": _BUILT}


def test_a_build_without_a_time_has_that_of_the_oldest(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(
        record("a", "1.0", timestamp=None),
        record("b", "1.0"),
        record("c", "1.0", timestamp=_INDEXED),
    )
    synced(repository, make_remote(upstream, trust_indexed=False))
    assert times(repository)["a-1.0-0.conda"] == _BUILT


def test_no_time_is_in_the_future(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    upstream.channel.indexed["a-1.0-0.conda"] = milliseconds() + 10**9
    upstream.publish(record("a", "1.0"))
    synced(repository, make_remote(upstream))
    assert times(repository)["a-1.0-0.conda"] <= milliseconds()


@pytest.mark.parametrize("trusts", [True, False])
def test_no_time_is_before_the_last_look(
    repository: CondaRepository, upstream: UpstreamChannel, trusts: bool
) -> None:
    upstream.publish(record("a", "1.0"))
    remote = make_remote(upstream, trust_indexed=trusts)
    synced(repository, remote)
    (state,) = SyncedSubdir.objects.filter(subdir="linux-64")
    looked = state.checked - timedelta(seconds=5)
    SyncedSubdir.objects.filter(pk=state.pk).update(checked=looked)
    upstream.channel.indexed["b-1.0-0.conda"] = _INDEXED
    upstream.publish(record("a", "1.0"), record("b", "1.0"))
    synced(repository, remote)
    earliest = looked.timestamp() * 1000 - 1
    assert earliest <= times(repository)["b-1.0-0.conda"] <= milliseconds()


def test_a_time_never_changes(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    upstream.channel.indexed["a-1.0-0.conda"] = _INDEXED
    upstream.publish(record("a", "1.0"))
    remote = make_remote(upstream)
    synced(repository, remote)
    upstream.channel.indexed["a-1.0-0.conda"] = _INDEXED + 1000
    upstream.publish(record("a", "1.0", "hotfix"))
    assert synced(repository, remote)["counts"]["changed"] == 1
    assert times(repository) == {"a-1.0-0.conda": _INDEXED}
