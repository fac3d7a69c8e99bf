"""The rules for uploads, held against records of ten years of several channels."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import zstandard

from pulp_conda.formats.errors import InvalidIdentifier, InvalidPackage
from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.index_json import check_index
from tests.unit.formats.packages import needs_real_data, real_repodata


def records() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in real_repodata():
        data = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
        document = json.loads(data)
        yield from document["packages"].items()
        yield from document["packages.conda"].items()


@needs_real_data
def test_the_rules_for_uploads_refuse_one_record_in_fifty_thousand() -> None:
    refused: Counter[str] = Counter()
    misnamed = 0
    for filename, record in records():
        try:
            check_index(record, now=1.8e9)
        except InvalidIdentifier as error:
            refused[error.value] += 1
        except InvalidPackage as error:
            refused[str(error)] += 1
        parts = PackageFilename.parse(filename)
        stated = (record["name"], record["version"], record["build"])
        misnamed += (parts.name, parts.version, parts.build) != stated
    assert refused == {"R15B01": 1}
    # Two of _dummy_anaconda_impl and one of dummy-anaconda: a mirror must serve them as they are.
    assert misnamed == 3
