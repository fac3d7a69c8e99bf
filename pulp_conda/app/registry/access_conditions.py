"""Access conditions of the native client APIs."""

from typing import TYPE_CHECKING

from rest_framework.request import Request

from pulp_conda.app.models import Right

if TYPE_CHECKING:
    from .generic import PackageReleaseView
    from .views import RegistryView


def may_upload(_request: Request, view: "RegistryView", _action: str) -> bool:
    """Access condition: one may upload to the channels that are meant, or create them."""
    return all(view.requester.may_put(*target) for target in view.targets.items())


def may_replace(request: Request, view: "RegistryView", action: str) -> bool:
    """Access condition: an upload that is to replace a file comes from one who may remove it."""
    return not view.replaces or may_remove(request, view, action)


def may_remove(_request: Request, view: "RegistryView", _action: str) -> bool:
    """Access condition: one may remove packages from the channels that are meant."""
    return all(view.requester.may(Right.REMOVE, *target) for target in view.targets.items())


def may_see(_request: Request, view: "PackageReleaseView", _action: str) -> bool:
    """Access condition: the channel that the URL names exists and is public, or one may read it."""
    return view.requester.may_read(view.served.distribution)
