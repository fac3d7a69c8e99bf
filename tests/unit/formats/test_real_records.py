"""The rules for uploads, applied to the records of several channels over ten years."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import zstandard

from pulp_conda.formats.errors import InvalidIdentifier, InvalidPackage
from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.index_json import check_index
from tests.real_data import needs_real_records, real_repodata


def records() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in real_repodata():
        data = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
        document = json.loads(data)
        yield from document["packages"].items()
        yield from document["packages.conda"].items()


@needs_real_records
def test_the_rules_for_uploads_refuse_hardly_any_real_record() -> None:
    refused: Counter[str] = Counter()
    count = misnamed = 0
    for filename, record in records():
        count += 1
        try:
            check_index(record, now=1.8e9)
        except InvalidIdentifier as error:
            refused[error.value] += 1
        except InvalidPackage as error:
            refused[str(error)] += 1
        parts = PackageFilename.parse(filename)
        stated = (record["name"], record["version"], record["build"])
        misnamed += (parts.name, parts.version, parts.build) != stated
    # Of 53,710 one, whose version was R15B01; three were of dummy-anaconda and the like.
    assert refused.total() <= 1 + count // 50_000, refused
    assert misnamed <= 3 + count // 10_000
