"""The benchmark of an upstream's documents runs, and reads what it has made."""

import pytest

from tests.benchmark import documents


def test_it_measures_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    documents.main(50)
    printed = capsys.readouterr().out
    for step in ("repodata.json, by name", "records of the document", "records of the shards"):
        assert step in printed
