"""Every error can be rendered and pickled, and has its own code."""

import pickle
import typing
from dataclasses import fields
from typing import Any

import pytest

from pulp_conda.formats import errors, v3
from pulp_conda.formats.errors import InvalidName, InvalidPackage, TrustedText, UnsafePath, quoted
from pulp_conda.formats.upstream import errors as upstream_errors

CLASSES = [
    value
    for module in (errors, v3, upstream_errors)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, InvalidPackage)
    if value.__module__ == module.__name__
]
SAMPLES: dict[Any, Any] = {str: "x/y", TrustedText: TrustedText("a reason"), int: 12345, float: 1.5}
HOSTILE: dict[Any, Any] = {
    str: "\ud800\0\n{}%s\u202e" + "x" * 10_000,
    TrustedText: TrustedText("\ud800\n{0}" + "y" * 10_000),
    int: -(10**5000),
    float: float("nan"),
}


def filled(cls: type[InvalidPackage], values: dict[Any, Any]) -> InvalidPackage:
    types = typing.get_type_hints(cls)
    return cls(*(values.get(types[field.name], values[str]) for field in fields(cls)))


@pytest.mark.parametrize("cls", CLASSES)
def test_each_is_one_sentence_that_names_its_fields(cls: type[InvalidPackage]) -> None:
    sentence = str(filled(cls, SAMPLES))
    assert sentence
    assert "{" not in sentence
    assert "\n" not in sentence
    types = typing.get_type_hints(cls)
    for field in fields(cls):
        expected = {
            str: "'x/y'",
            TrustedText: "a reason",
            int: "12,345",
            float: "1.5",
            Any: "'x/y'",
        }
        assert expected[types[field.name]] in sentence


@pytest.mark.parametrize("cls", CLASSES)
def test_none_breaks_or_swells_on_hostile_values(cls: type[InvalidPackage]) -> None:
    sentence = str(filled(cls, HOSTILE))
    assert sentence.isprintable()
    assert len(sentence) < 700
    sentence.encode("utf-8")


@pytest.mark.parametrize("cls", CLASSES)
def test_each_survives_pickling(cls: type[InvalidPackage]) -> None:
    error = filled(cls, SAMPLES)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls
    assert str(copy) == str(error)


def test_codes_are_kebab_case_and_unique() -> None:
    # A subclass of BadMember that needs no code of its own would be a duplicate here.
    codes = [cls.code for cls in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(code == code.lower() and code.replace("-", "").isalpha() for code in codes)


def test_untrusted_names_are_escaped_and_cut() -> None:
    assert str(UnsafePath("a\x1b[31m\nb", TrustedText("no"))) == (
        r"the path 'a\x1b[31m\nb' is unsafe: no"
    )
    assert quoted("x" * 101) == "'" + "x" * 100 + "'..."
    assert str(InvalidName("é", TrustedText("no"))) == r"the package name '\xe9' is invalid: no"
