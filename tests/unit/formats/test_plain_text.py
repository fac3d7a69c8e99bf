"""Text without control characters and without changes of direction."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.plain_text import is_plain, is_plain_in_lines


@pytest.mark.parametrize("text", ["ünï ©ode 🐍", "", "a\xa0b", "\ue000", "שלום", "\u200d"])
def test_text_of_any_language_is_plain(text: str) -> None:
    assert is_plain(text)
    assert is_plain_in_lines(f"a\n\t{text}")


@pytest.mark.parametrize("mark", ["\x1b", "\0", "\r", "\x7f", "\x9b", "\b", "\u202e", "\u2066"])
def test_controls_and_changes_of_direction_are_not_plain(mark: str) -> None:
    assert not is_plain(f"a{mark}b")
    assert not is_plain_in_lines(f"a{mark}b")


@given(st.characters(categories=["Cc", "Zl", "Zp"]))
def test_no_control_or_end_of_line_is_plain(mark: str) -> None:
    assert not is_plain(mark)
    assert is_plain_in_lines(mark) == (mark in "\n\t")


@given(st.characters(codec="utf-8"))
def test_no_mark_of_direction_is_plain(mark: str) -> None:
    turns = unicodedata.bidirectional(mark) in ("LRE", "RLE", "LRO", "RLO", "PDF")
    isolates = unicodedata.bidirectional(mark) in ("LRI", "RLI", "FSI", "PDI")
    assert not (is_plain(mark) and (turns or isolates))
