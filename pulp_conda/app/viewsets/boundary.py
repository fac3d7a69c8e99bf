"""Requests that all viewsets refuse."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from pulp_conda.app.authentication.origins import check_origin


class BoundaryMixin:
    """Refuses requests from pages of other sites, and values that make pulpcore answer 500."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the origin of the request before DRF goes on."""
        check_origin(request)
        super().initial(request, *args, **kwargs)  # type: ignore[misc]

    def get_serializer(self, *args: Any, **kwargs: Any) -> BaseSerializer[Any]:
        """Return the serializer of a request.

        Raises:
            ValidationError: the body is not an object, which pulpcore's serializers expect.
        """
        if "data" in kwargs and not isinstance(kwargs["data"], Mapping):
            raise ValidationError("The body must be a JSON object.")
        serializer: BaseSerializer[Any] = super().get_serializer(*args, **kwargs)  # type: ignore[misc]
        return serializer

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the filters.

        Raises:
            ValidationError: a value is not a reference to an object of the filter's type, which
                pulpcore's filters do not check.
        """
        try:
            found: QuerySet[Any] = super().filter_queryset(queryset)  # type: ignore[misc]
        except (AttributeError, KeyError) as error:
            raise ValidationError("The value of a filter is not a valid reference.") from error
        return found
