"""Every refusal can be said in a sentence, whatever the package made up."""

import pickle
from dataclasses import fields

import pytest

from pulp_conda.formats import errors
from pulp_conda.formats.errors import InvalidPackage, Phrase


def all_refusals() -> list[type[InvalidPackage]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, InvalidPackage)
    ]


def example(refusal: type[InvalidPackage], text: str) -> InvalidPackage:
    def value(kind: object) -> object:
        return {"Phrase": Phrase(text), "int": 10**30, "float": 1.5}.get(str(kind), text)

    return refusal(*(value(field.type) for field in fields(refusal)))


@pytest.mark.parametrize("refusal", all_refusals())
@pytest.mark.parametrize("text", ["plain", "\ud800\0\n\x1b[31m" * 1000, "{name} {0}", ""])
def test_every_refusal_is_one_bounded_printable_sentence(
    refusal: type[InvalidPackage], text: str
) -> None:
    error = example(refusal, text)
    sentence = str(error)
    assert sentence.isprintable()
    assert 0 < len(sentence) < 1000
    assert str(pickle.loads(pickle.dumps(error))) == sentence


def test_codes_are_unique() -> None:
    codes = [refusal.code for refusal in all_refusals()]
    assert len(set(codes)) == len(codes)
