"""How a request waits for the outcome of its task."""

import time

import pytest
from django.test import override_settings

from pulp_conda.app import webserver
from pulp_conda.app.channels.changes.task_outcome import (
    CommitFailed,
    CommitTimeout,
    longest_wait,
    wait_for,
)
from pulp_conda.app.models import CondaRepository
from tests.database.factories import save_task


def late() -> float:
    """Return a deadline that no test reaches."""
    return time.monotonic() + 60


def test_an_outcome_counts_although_its_task_failed(repository: CondaRepository) -> None:
    assert wait_for(save_task("failed"), repository, lambda: "added", late()) == "added"


def test_an_outcome_that_is_written_just_before_the_task_ends_counts(
    repository: CondaRepository,
) -> None:
    answers = iter([None, "added"])
    assert wait_for(save_task("completed"), repository, lambda: next(answers), late()) == "added"


@pytest.mark.parametrize("state", ["completed", "failed", "canceled", "skipped"])
def test_a_task_that_ended_without_outcome_has_failed(
    repository: CondaRepository, state: str
) -> None:
    with pytest.raises(CommitFailed):
        wait_for(save_task(state), repository, lambda: None, late())


def test_a_task_that_does_not_end_is_not_waited_for_past_the_deadline(
    repository: CondaRepository,
) -> None:
    with pytest.raises(CommitTimeout):
        wait_for(save_task("running"), repository, lambda: None, time.monotonic() - 1)


def test_a_wait_is_as_long_as_the_setting_says_where_no_web_server_ends_it() -> None:
    with override_settings(CONDA_UPLOAD_TIMEOUT_SECONDS=17):
        assert longest_wait() == 17


@pytest.mark.parametrize(("left", "expected"), [(5.0, 5.0), (99.0, 17), (0.2, 1.0), (-3.0, 1.0)])
def test_a_wait_ends_before_the_web_server_ends_the_request(
    monkeypatch: pytest.MonkeyPatch, left: float, expected: float
) -> None:
    monkeypatch.setattr(webserver, "seconds_left", lambda: left)
    with override_settings(CONDA_UPLOAD_TIMEOUT_SECONDS=17):
        assert longest_wait() == expected
