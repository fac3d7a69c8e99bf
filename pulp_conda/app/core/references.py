"""Work around a bug in pulpcore: a reference that is not a string is answered with 500, not 400.

A fix in pulpcore would check the type in `HrefPrnFieldMixin.to_internal_value`.
"""

from typing import Any

from pulpcore.app.serializers.base import HrefPrnFieldMixin


def check_references() -> None:
    """Make pulpcore's fields refuse references that are not strings."""
    if getattr(HrefPrnFieldMixin, "_checked_by_conda", False):
        return
    unchecked = HrefPrnFieldMixin.to_internal_value

    def to_internal_value(field: Any, data: Any) -> Any:
        if not isinstance(data, str):
            field.fail("incorrect_type", data_type=type(data).__name__)
        return unchecked(field, data)

    HrefPrnFieldMixin.to_internal_value = to_internal_value  # type: ignore[method-assign]
    HrefPrnFieldMixin._checked_by_conda = True  # type: ignore[attr-defined]
