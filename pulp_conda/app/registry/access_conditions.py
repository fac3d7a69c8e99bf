"""Conditions of the access policies of the native client APIs."""

from typing import TYPE_CHECKING

from rest_framework.request import Request

from pulp_conda.app.models import Right

if TYPE_CHECKING:
    from .generic import PackageReleaseView
    from .views import RegistryView


def may_upload(_request: Request, view: "RegistryView", _action: str) -> bool:
    """Access condition: the requester may upload to all target channels, or create them."""
    return all(view.requester.may_put(*target) for target in view.targets.items())


def may_replace(request: Request, view: "RegistryView", action: str) -> bool:
    """Access condition: the requester may remove packages, if the upload may replace a file."""
    return not view.replaces or may_remove(request, view, action)


def may_remove(_request: Request, view: "RegistryView", _action: str) -> bool:
    """Access condition: the requester may remove packages from all target channels."""
    return all(view.requester.may(Right.REMOVE, *target) for target in view.targets.items())


def may_see(_request: Request, view: "PackageReleaseView", _action: str) -> bool:
    """Access condition: the channel in the URL exists, and the requester may read it."""
    return view.requester.may_read(view.served.distribution)
