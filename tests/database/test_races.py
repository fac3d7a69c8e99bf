"""Two requests at once, of which one waits at a chosen instant."""

from collections.abc import Callable

import pytest
from django.db import transaction

from pulp_conda.app.channels.changes.upload import PackageExists
from pulp_conda.app.failpoints import Failpoint
from pulp_conda.app.models import CondaPackage, CondaRepository, PendingChange
from tests.builders import PackageBuilder
from tests.database.factories import request_upload, save_package, upload
from tests.database.instants import overlapping
from tests.database.served import Served, unsound

pytestmark = pytest.mark.usefixtures("real_commits")


def adding(repository: CondaRepository, package: CondaPackage) -> Callable[[], bool]:
    """Return a function that uploads a package and tells whether it was taken."""

    def run() -> bool:
        try:
            request_upload(repository, package)
        except PackageExists:
            return False
        return True

    return run


@pytest.mark.parametrize(
    ("instant", "versions"),
    [("task saved", 1), ("task running", 1), ("version saved", 2), ("outcomes saved", 2)],
)
def test_two_commits_at_once_lose_nothing(
    repository: CondaRepository, instant: Failpoint, versions: int
) -> None:
    first, second = save_package(PackageBuilder("first")), save_package(PackageBuilder("second"))
    both = adding(repository, first), adding(repository, second)
    assert overlapping(instant, *both) == (True, True)
    named = {first.relative_path: first.sha256, second.relative_path: second.sha256}
    assert Served.of(repository).packages() == named
    assert repository.latest_version().number == versions
    assert unsound(Served.of(repository)) == []
    assert not PendingChange.objects.exists()


@pytest.mark.parametrize(
    ("instant", "taken"), [("task saved", (False, True)), ("version saved", (True, False))]
)
def test_of_two_uploads_of_one_path_at_once_one_is_taken(
    repository: CondaRepository, instant: Failpoint, taken: tuple[bool, bool]
) -> None:
    both = [save_package(PackageBuilder().about(summary=text)) for text in ("one", "other")]
    assert overlapping(instant, *(adding(repository, each) for each in both)) == taken
    winner = both[taken.index(True)]
    assert Served.of(repository).packages() == {winner.relative_path: winner.sha256}
    assert unsound(Served.of(repository)) == []


def test_the_same_bytes_saved_twice_at_once_are_one_package(repository: CondaRepository) -> None:
    builder = PackageBuilder().payload(5000)

    def in_a_transaction() -> CondaPackage:
        with transaction.atomic():
            return save_package(builder)

    one, other = overlapping("unit saved", in_a_transaction, lambda: save_package(builder))
    assert one == other
    upload(repository, builder)
    assert Served.of(repository).package(one.relative_path) == builder.conda()
