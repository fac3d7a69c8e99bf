"""Channels with any history, deaths included: what they serve is sound, and nothing is lost."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from itertools import takewhile
from typing import Any, ClassVar

import pytest
from django.conf import settings as django_settings
from django.db.models import F
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.intake.patch_uploads import add_patches
from pulp_conda.app.channels.upkeep import cleanup
from pulp_conda.app.core.publications import DistributedPublication
from pulp_conda.app.failpoints import Failpoint
from pulp_conda.app.models import (
    ADDED,
    EXISTS,
    REMOVED,
    CondaDistribution,
    CondaPackage,
    CondaPublication,
    CondaRepository,
    CondaShard,
    PendingChange,
    publication_of,
)
from tests.database.factories import (
    configured,
    make_channel,
    save_package,
    save_patch,
    wait,
    wait_for_removal,
)
from tests.database.history import Held, builders, sometimes
from tests.database.instants import dies_at
from tests.database.served import Served, unsound

_CHANNELS = itertools.count()
_SETTINGS = settings(
    max_examples=20,
    stateful_step_count=12,
    print_blob=True,
    # Without Phase.shrink, which takes minutes: so few steps can be read as they are.
    phases=[Phase.generate],
)
_PACKAGES = st.integers(0, len(builders()) - 1)
_PATHS = st.sampled_from(range(0, len(builders()), 2))
_CHOICES = st.integers(0, 100)


class Histories(RuleBasedStateMachine):
    """One channel: what is done to it, and what each of its versions has to hold."""

    packages: ClassVar[list[CondaPackage]] = []
    """What is uploaded; saved beforehand."""

    def __init__(self) -> None:
        super().__init__()
        self.pk = make_channel("org", f"channel{next(_CHANNELS)}").pk
        self.versions: dict[int, Held] = {0: Held({}, {})}
        self.waiting: list[PendingChange] = []
        """Changes without an outcome, whose process died."""
        self.published = False
        """Whether the newest version has to have an index."""
        self.lately: set[tuple[str, str]] = set()
        """Shards that clients may still ask for: subdir and digest."""
        self.pinned: CondaPublication | None = None
        """What the channel serves whatever comes after it."""
        self.url = CondaDistribution.objects.get(repository=self.pk).pk

    @property
    def repository(self) -> CondaRepository:
        """The repository, as a process finds it that starts now."""
        return CondaRepository.objects.get(pk=self.pk)

    @property
    def newest(self) -> int:
        """The number of the newest version."""
        return max(self.versions)

    def version(self, choice: int) -> RepositoryVersion:
        """Return one of the versions."""
        numbers = sorted(self.versions)
        return self.repository.versions.get(number=numbers[choice % len(numbers)])

    @initialize(numbers=st.lists(_PACKAGES, min_size=2, max_size=4))
    def begin(self, numbers: list[int]) -> None:
        """Make some versions, with which more can happen in a few steps."""
        for number in numbers:
            self.waiting.append(wait(self.repository, self.packages[number], replaces=True))
            self._commit(None)

    @rule(number=_PACKAGES, replaces=st.booleans(), also=_PACKAGES, instant=sometimes(
        "change queued", "version saved", "shards saved", "index saved", "outcomes saved",
        "committed",
    ))  # fmt: skip
    def upload(self, number: int, replaces: bool, also: int, instant: Failpoint | None) -> None:
        """Upload one or two packages, which may replace what is there."""
        for each in {number, also}:
            package = self.packages[each]
            self.waiting.append(wait(self.repository, package, replaces=replaces))
        self._commit(instant)

    @rule(number=_PATHS, instant=sometimes("change queued", "version saved", "committed"))
    def remove(self, number: int, instant: Failpoint | None) -> None:
        """Remove what has a path, unless somebody who uploads to it still waits."""
        path = self.packages[number].relative_path
        if any(path == row.package.relative_path for row in self.waiting if row.package):
            return
        self.waiting.append(wait_for_removal(self.repository, path))
        self._commit(instant)

    @rule(number=_PATHS, left_out=st.booleans(), instant=sometimes("version saved", "shards saved"))
    def patch(self, number: int, left_out: bool, instant: Failpoint | None) -> None:
        """Patch a subdir: leave a file out of its index, or change its licence."""
        package = self.packages[number]
        name = package.filename
        changed = {"remove": [name]} if left_out else {"packages.conda": {name: {"license": "X"}}}
        patches = [save_patch(package.subdir, **changed)]
        if not self._do(instant, lambda: add_patches(self.repository, patches)):
            return
        before = self.versions[self.newest]
        names = frozenset([name] if left_out else [])
        self._made(Held(before.packages, {**before.left_out, package.subdir: names}), done=True)

    @rule(choice=_CHOICES, instant=sometimes("version filled", "shards saved", "storing documents"))
    def roll_back(self, choice: int, instant: Failpoint | None) -> None:
        """Make a version with the content of an earlier one, by pulpcore's means."""
        base = self.version(choice)

        def make() -> None:
            with self.repository.new_version(base_version=base):
                pass

        self._made(self.versions[base.number], done=self._do(instant, make))

    @rule(choice=_CHOICES)
    @precondition(lambda self: len(self.versions) > 1)
    def delete_version(self, choice: int) -> None:
        """Delete a version, be it the newest."""
        # What pulpcore does before another task holds the repository.
        for interrupted in self.repository.versions.filter(complete=False):
            interrupted.delete()
        version = self.version(choice)
        if self.pinned and version == self.pinned.repository_version:
            return
        if version.number == self.newest:
            self.published = False
            self.lately = set()
        # pulpcore refuses to delete what is served.
        CondaDistribution.objects.filter(pk=self.url).update(repository=None)
        version.delete()
        self._serve(self.pinned)
        del self.versions[version.number]

    @rule(choice=_CHOICES)
    def pin(self, choice: int) -> None:
        """Have the channel serve a version that stays."""
        if publication := publication_of(self.version(choice)):
            self._serve(publication)

    @rule()
    @precondition(lambda self: self.pinned)
    def unpin(self) -> None:
        """Have the channel serve the newest version again."""
        self._serve(None)

    def _serve(self, publication: CondaPublication | None) -> None:
        if publication != self.pinned:
            self.lately = set()
        self.pinned = publication
        CondaDistribution.objects.filter(pk=self.url).update(
            publication=publication, repository=None if publication else self.pk
        )

    @rule(retained=st.integers(1, 2), instant=sometimes("versions deleted", "shards deleted"))
    def clean_up(self, retained: int, instant: Failpoint | None) -> None:
        """Delete what the channel needs no more."""
        repository = configured(self.repository, retain_repo_versions=retained)
        self._do(instant, lambda: cleanup.clean_up(repository))
        configured(repository, retain_repo_versions=None)
        left = self.repository.versions.complete().values_list("number", flat=True)
        assert {*sorted(self.versions)[-retained:]} <= {*left} <= {*self.versions}
        assert self.pinned is None or self.pinned.repository_version.number in left
        self.versions = {number: self.versions[number] for number in left}

    @rule(choice=_CHOICES, instant=sometimes("shards saved", "storing documents"))
    def publish_again(self, choice: int, instant: Failpoint | None) -> None:
        """Publish one of the versions once more."""
        version = self.version(choice)
        if self._do(instant, lambda: publish(version)):
            self.published |= version.number == self.newest

    @rule()
    def let_time_pass(self) -> None:
        """Let the time be over for which clients may ask for what was served before."""
        period = timedelta(seconds=django_settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD + 1)
        CondaShard.objects.update(superseded=F("superseded") - period)
        DistributedPublication.objects.update(expires_at=F("expires_at") - period)
        self.lately = set()

    def _do(self, instant: Failpoint | None, action: Callable[[], Any]) -> bool:
        """Do something, or begin it and die at an instant; tell whether it came to its end."""
        if instant and dies_at(instant, action):
            return False
        if not instant:
            action()
        return True

    def _commit(self, instant: Failpoint | None) -> None:
        """Commit all that waits, and take note of the outcomes."""
        if instant == "change queued":
            return
        self._do(instant, lambda: commit_pending(self.repository))
        before = self.versions[self.newest]
        packages, answered = dict(before.packages), set()
        for row in self.waiting:
            row.refresh_from_db()
            if row.outcome in (ADDED, EXISTS) and row.package:
                answered.add(row.package.relative_path)
            if row.outcome == ADDED and row.package:
                packages[row.package.relative_path] = row.package.sha256
            elif row.outcome == REMOVED:
                selection = row.payload["selection"]
                path = f"{selection['subdir']}/{selection['filename']}"
                if self._held_since(path) <= row.payload["newest"]:
                    packages.pop(path, None)
        assert answered <= packages.keys()
        committed = [row for row in self.waiting if row.outcome]
        assert committed in ([], self.waiting)
        if committed:
            self.waiting = []
            self._made(Held(packages, before.left_out), done=True)
            self.published = True

    def _held_since(self, path: str) -> int:
        """Return the number of the version from which on a path is what it is in the newest."""
        numbers = sorted(self.versions, reverse=True)
        now = self.versions[self.newest].packages.get(path)
        return list(takewhile(lambda n: self.versions[n].packages.get(path) == now, numbers))[-1]

    def _made(self, held: Held, *, done: bool) -> None:
        """Take note of a version, if one was made: it must have been if all was done."""
        latest = self.repository.latest_version()
        if latest.number == self.newest:
            assert not done or held.packages == self.versions[self.newest].packages
            return
        self.versions[latest.number] = held
        self.published = done or publication_of(latest) is not None

    @invariant()
    def versions_hold_what_they_held(self) -> None:
        """No version has lost or won anything."""
        for version in self.repository.versions.complete():
            packages = CondaPackage.objects.in_version(version)
            found = {package.relative_path: package.sha256 for package in packages}
            assert found == self.versions[version.number].packages

    @invariant()
    def what_is_served_is_sound(self) -> None:
        """The index equals one made anew, names all that was taken, and all of it is found."""
        served = Served.find(self.repository)
        if served is None:
            assert not self.published
            assert not self.pinned
            return
        if self.pinned:
            assert served.index.publication == self.pinned.pk
        elif self.published:
            assert served.index.number == self.newest
        assert served.packages() == self.versions[served.index.number].named
        assert unsound(served) == []
        self.lately |= {(subdir, digest) for (subdir, _), digest in served.shards().items()}
        assert [each for each in self.lately if served.shard(*each) is None] == []


@pytest.mark.usefixtures("real_commits")
def test_channels_of_any_history_are_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_VERSIONS_PER_BATCH", 2)
    monkeypatch.setattr(cleanup, "_SHARDS_PER_BATCH", 1)
    Histories.packages = [save_package(builder) for builder in builders()]
    run_state_machine_as_test(Histories, settings=_SETTINGS)
