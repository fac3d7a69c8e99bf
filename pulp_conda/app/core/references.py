"""Cures a gap in pulpcore: a reference to an object that is no text is 500 over REST, and not 400.

Upstream would check that in `HrefPrnFieldMixin.to_internal_value`, which takes every value for a
text.
"""

from typing import Any

from pulpcore.app.serializers.base import HrefPrnFieldMixin


def check_references() -> None:
    """Refuse references that are no text wherever pulpcore's fields read one."""
    if getattr(HrefPrnFieldMixin, "_checked_by_conda", False):
        return
    unchecked = HrefPrnFieldMixin.to_internal_value

    def to_internal_value(field: Any, data: Any) -> Any:
        if not isinstance(data, str):
            field.fail("incorrect_type", data_type=type(data).__name__)
        return unchecked(field, data)

    HrefPrnFieldMixin.to_internal_value = to_internal_value  # type: ignore[method-assign]
    HrefPrnFieldMixin._checked_by_conda = True  # type: ignore[attr-defined]
