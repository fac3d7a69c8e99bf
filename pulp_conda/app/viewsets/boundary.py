"""What all viewsets refuse, whatever they are about."""

from typing import Any

from rest_framework.request import Request

from pulp_conda.app.authentication.origins import check_origin


class BoundaryMixin:
    """Answers 403 for what another site's page makes a browser ask for."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check where the request comes from, and let DRF go on."""
        check_origin(request)
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
