"""What all viewsets refuse, whatever they are about."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from pulp_conda.app.authentication.origins import check_origin


class BoundaryMixin:
    """Refuses what another site's page makes a browser ask for, and what pulpcore fails on."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check where the request comes from, and let DRF go on."""
        check_origin(request)
        super().initial(request, *args, **kwargs)  # type: ignore[misc]

    def get_serializer(self, *args: Any, **kwargs: Any) -> BaseSerializer[Any]:
        """Return the serializer of a request; pulpcore's look into the body at once.

        Raises:
            ValidationError: the body is no object.
        """
        if "data" in kwargs and not isinstance(kwargs["data"], Mapping):
            raise ValidationError("The body must be a JSON object.")
        serializer: BaseSerializer[Any] = super().get_serializer(*args, **kwargs)  # type: ignore[misc]
        return serializer

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the filters; pulpcore's trust that a reference leads to an object of their kind.

        Raises:
            ValidationError: a value is no such reference.
        """
        try:
            found: QuerySet[Any] = super().filter_queryset(queryset)  # type: ignore[misc]
        except (AttributeError, KeyError) as error:
            raise ValidationError("A filter's value is no reference to an object.") from error
        return found
