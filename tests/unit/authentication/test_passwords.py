"""Passwords that were found right a short while ago."""

from types import SimpleNamespace

import pytest

from pulp_conda.app.authentication import passwords
from pulp_conda.app.authentication.passwords import PasswordMemory


def user(pk: int = 1, password: str = "hash") -> SimpleNamespace:
    return SimpleNamespace(pk=pk, password=password)


def test_a_password_is_known_once_it_was_right() -> None:
    memory = PasswordMemory(60)
    assert not memory.knows(user(), "right")
    memory.remember(user(), "right")
    assert memory.knows(user(), "right")
    assert not memory.knows(user(), "wrong")
    assert not memory.knows(user(pk=2), "right")


def test_a_changed_password_is_forgotten_at_once() -> None:
    memory = PasswordMemory(60)
    memory.remember(user(), "right")
    assert not memory.knows(user(password="other hash"), "right")


def test_nothing_is_known_for_longer_than_said() -> None:
    memory = PasswordMemory(0)
    memory.remember(user(), "right")
    assert not memory.knows(user(), "right")


def test_neither_the_password_nor_its_plain_hash_is_kept() -> None:
    memory, other = PasswordMemory(60), PasswordMemory(60)
    memory.remember(user(), "right")
    other.remember(user(), "right")
    assert b"right" not in b"".join(memory._expires)
    assert set(memory._expires).isdisjoint(other._expires), "each process has a key of its own"


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MOST", 3)
    memory = PasswordMemory(60)
    for number in range(5):
        memory.remember(user(pk=number), "right")
    assert [memory.knows(user(pk=number), "right") for number in range(5)] == [False] * 2 + [
        True
    ] * 3
