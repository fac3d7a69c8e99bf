"""The cache of passwords that were found right or wrong recently."""

import pytest

from pulp_conda.app.authentication import passwords
from pulp_conda.app.authentication.passwords import PasswordMemory

ALICE, BOB = "1 hash", "2 hash"


def test_the_result_of_a_check_is_cached() -> None:
    memory = PasswordMemory(60)
    assert memory.recall(ALICE, "right") is None
    memory.note(ALICE, "right", right=True)
    memory.note(ALICE, "wrong", right=False)
    assert memory.recall(ALICE, "right") is True
    assert memory.recall(ALICE, "wrong") is False
    assert memory.recall(ALICE, "other") is None
    assert memory.recall(BOB, "right") is None
    assert memory.recall("1 other hash", "right") is None, "a changed password counts at once"


@pytest.mark.parametrize("right", [True, False])
def test_results_expire(monkeypatch: pytest.MonkeyPatch, right: bool) -> None:
    monkeypatch.setattr(passwords, "_WRONG_SECONDS", 0)
    memory = PasswordMemory(0)
    memory.note(ALICE, "secret", right=right)
    assert memory.recall(ALICE, "secret") is None
    assert memory._known[right]._expires, "it is kept, but counts no more"


def test_guesses_at_a_user_rank_below_known_passwords_and_other_users() -> None:
    memory = PasswordMemory(0)
    memory.note(ALICE, "right", right=True)
    assert memory.trusts(ALICE, "first guess")
    memory.note(ALICE, "first guess", right=False)
    assert not memory.trusts(ALICE, "second guess")
    assert memory.trusts(ALICE, "right")
    assert memory.trusts(BOB, "right")


def test_neither_the_password_nor_its_plain_hash_is_stored() -> None:
    memory, other = PasswordMemory(60), PasswordMemory(60)
    digests = []
    for each in (memory, other):
        each.note(ALICE, "right", right=True)
        digests.append(set(each._known[True]._expires))
    assert b"right" not in b"".join(digests[0])
    assert digests[0].isdisjoint(digests[1]), "each process has a key of its own"


@pytest.mark.parametrize("text", ["\ud800", "ß", "\0", ""])
def test_any_text_is_cached(text: str) -> None:
    memory = PasswordMemory(60)
    memory.note(text, text, right=True)
    assert memory.recall(text, text) is True


def test_the_cache_is_bounded_and_wrong_passwords_evict_no_right_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "_MAX_DIGESTS", 3)
    memory = PasswordMemory(60)
    for number in range(5):
        memory.note(f"user {number}", "right", right=True)
    for number in range(100):
        memory.note(f"user {number}", f"wrong {number}", right=False)
    known = [memory.recall(f"user {number}", "right") for number in range(5)]
    assert known == [None, None, True, True, True]
    assert len(memory._known[False]._expires) == 3
