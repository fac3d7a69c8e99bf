"""The JSON parser of Pulp's REST API, which refuses what would fail later with a 500."""

import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

_MAX_LEVELS = 100


class ShallowJSONParser(JSONParser):
    """Refuses documents that are nested too deeply to be validated, or have a lone surrogate.

    A lone surrogate cannot be encoded, so no answer could repeat it.
    """

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the document.

        Raises:
            ParseError: it is not JSON, has too many levels, or has a lone surrogate.
        """
        try:
            document = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise _too_deep() from None
        if not _is_shallow(document):
            raise _too_deep()
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ParseError("JSON parse error - a surrogate without its other half") from None
        return document


def _is_shallow(document: Any) -> bool:
    level = [document]
    for _ in range(_MAX_LEVELS + 1):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return True
    return False


def _too_deep() -> ParseError:
    return ParseError(f"JSON parse error - the document has more than {_MAX_LEVELS} levels")
