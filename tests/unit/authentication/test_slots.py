"""The limit on the number of processes of a machine that compute at the same time."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from pulp_conda.app.authentication import slots
from pulp_conda.app.authentication.slots import NoSlot, Slots


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "_PATIENCE_SECONDS", 0)


def test_there_are_exactly_so_many_slots(tmp_path: Path) -> None:
    here, there = Slots(tmp_path, 2), Slots(tmp_path, 2)
    with here.taken():
        with there.taken():
            for each in (here, there):
                with pytest.raises(NoSlot), each.taken():
                    pass
        with here.taken():
            pass
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(there.taken())


def test_one_is_reserved(tmp_path: Path) -> None:
    pool = Slots(tmp_path, 1)
    with pool.taken():
        with pool.taken(reserved=True), pytest.raises(NoSlot), pool.taken(reserved=True):
            pass
        with pytest.raises(NoSlot), pool.taken():
            pass


def _hold(folder: Path, held: Event) -> None:
    with Slots(folder, 1).taken():
        held.set()
        signal.pause()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[int]:
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=_hold, args=(tmp_path, held))
    process.start()
    assert held.wait(60)
    assert process.pid is not None
    yield process.pid
    process.kill()
    process.join()


def test_a_process_that_dies_gives_its_slot_back(
    tmp_path: Path, holder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Slots(tmp_path, 1)
    with pytest.raises(NoSlot), pool.taken():
        pass
    monkeypatch.setattr(slots, "_PATIENCE_SECONDS", 60)
    os.kill(holder, signal.SIGKILL)
    with pool.taken():
        pass


def test_after_refusals_a_process_with_other_work_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(slots, "_PATIENCE_SECONDS", 60)
    pool = Slots(tmp_path, 1)
    with Slots(tmp_path, 1).taken() as _, ExitStack() as stack:
        clock = iter(range(0, 10_000, 10))
        monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
        monkeypatch.setattr(time, "sleep", waits.append)
        with pytest.raises(NoSlot):
            stack.enter_context(pool.taken())
        assert waits, "nothing was refused yet, so it waited"
        waits.clear()
        for _ in range(3):
            pool.note_refusal(sender=None)
        with pytest.raises(NoSlot):
            stack.enter_context(pool.taken())
        assert not waits
        pool.patient = True
        with pytest.raises(NoSlot):
            stack.enter_context(pool.taken())
        assert waits


def test_without_a_folder_there_is_no_limit(tmp_path: Path) -> None:
    pool = Slots(tmp_path / "missing", 1)
    with pool.taken(), pool.taken():
        assert not (tmp_path / "missing").exists()
