"""Who may do what: access policies and roles, generated, and the registry's own condition."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rest_framework.request import Request

from .models import Right, owns
from .models import may_announce as may_announce_at

if TYPE_CHECKING:
    from .registry.generic import PackageReleaseView
    from .registry.views import RegistryView

_ANY = "has_model_or_domain_or_obj_perms"
_MODEL = "has_model_or_domain_perms"


def allow(
    actions: Iterable[str], *conditions: str, principal: str = "authenticated"
) -> dict[str, Any]:
    """Return a statement that lets users do something under all conditions."""
    return {
        "action": list(actions),
        "principal": principal,
        "effect": "allow",
        "condition": list(conditions),
    }


def policy(
    noun: str,
    *,
    create: Iterable[str] = (),
    update: Iterable[str] = (),
    actions: Mapping[str, str] | None = None,
    creator: str | None = None,
) -> dict[str, Any]:
    """Return the access policy of a viewset with roles.

    `noun` is the model's name in permissions ("condarepository"); `create` and `update` are
    conditions beyond the object's own permissions; `actions` names the permission verb that each
    further action takes; `creator` is the role that who creates one gets on it.
    """
    view = f"{_ANY}:conda.view_{noun}"
    statements = [
        allow(["list", "retrieve", "my_permissions"]),
        allow(["create"], f"{_MODEL}:conda.add_{noun}", *create),
        allow(
            ["update", "partial_update", "set_label", "unset_label"],
            f"{_ANY}:conda.change_{noun}",
            view,
            *update,
        ),
        allow(["destroy"], f"{_ANY}:conda.delete_{noun}", view),
        allow(["list_roles", "add_role", "remove_role"], f"{_ANY}:conda.manage_roles_{noun}"),
    ]
    statements += [
        allow([action], f"{_ANY}:conda.{verb}_{noun}", view)
        for action, verb in (actions or {}).items()
    ]
    return {
        "statements": statements,
        "creation_hooks": [
            {
                "function": "add_roles_for_object_creator",
                "parameters": {"roles": creator or f"conda.{noun}_owner"},
            }
        ],
        "queryset_scoping": {"function": "scope_queryset"},
    }


def roles(noun: str, *verbs: str) -> dict[str, list[str]]:
    """Return the locked roles of a noun: creator, owner (all `verbs`) and viewer."""
    return {
        f"conda.{noun}_creator": [f"conda.add_{noun}"],
        f"conda.{noun}_owner": [f"conda.{verb}_{noun}" for verb in (*verbs, "manage_roles")],
        f"conda.{noun}_viewer": [f"conda.view_{noun}"],
    }


def channel_roles() -> dict[str, list[str]]:
    """Return the locked roles of channels: each may all that the one before it may.

    They can be given on a channel (its repository), on an owner, on a domain and everywhere.
    """
    reader = [
        "conda.view_condaowner",
        "conda.view_condarepository",
        "conda.view_condadistribution",
        "conda.view_condapublication",
    ]
    publisher = [*reader, "conda.upload_condaowner", "conda.upload_condarepository"]
    maintainer = [
        *publisher,
        "conda.modify_condaowner",
        "conda.modify_condarepository",
        "conda.change_condarepository",
        "conda.change_condadistribution",
        "conda.add_condapublication",
        "conda.delete_condapublication",
    ]
    owner = [
        *maintainer,
        "conda.create_condaowner",
        "conda.change_condaowner",
        "conda.manage_roles_condaowner",
        "conda.add_condarepository",
        "conda.delete_condarepository",
        "conda.repair_condarepository",
        "conda.manage_roles_condarepository",
        "conda.add_condadistribution",
        "conda.delete_condadistribution",
        "conda.manage_roles_condadistribution",
    ]
    return {
        "conda.channel_reader": reader,
        "conda.channel_publisher": publisher,
        "conda.channel_maintainer": maintainer,
        "conda.channel_owner": owner,
    }


def has_owner_role(request: Request, view: Any, _action: str, right: str) -> bool:
    """Access condition: one has a right to the view's repository by a role on its owner."""
    repository = view.get_parent_object() if view.parent_viewset else view.get_object()
    return repository.owner is not None and owns(request.user, Right(right), repository.owner)


def may_announce(request: Request, view: Any, action: str) -> bool:
    """Access condition: one may speak to the users of the channel that a notice is for."""
    if action != "create":
        return may_announce_at(request.user, view.get_object().distribution)
    serializer = view.get_serializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return may_announce_at(request.user, serializer.validated_data["distribution"])


def may_upload(_request: Request, view: "RegistryView", _action: str) -> bool:
    """Access condition: one may upload to the channels that are meant, or create them."""
    return all(view.requester.may_put(*target) for target in view.targets.items())


def may_replace(_request: Request, view: "RegistryView", _action: str) -> bool:
    """Access condition: an upload that is to replace a file comes from one who may remove it."""
    return not view.replaces or all(
        view.requester.may(Right.REMOVE, *target) for target in view.targets.items()
    )


def may_remove(_request: Request, view: "RegistryView", _action: str) -> bool:
    """Access condition: one may remove packages from the channel that the URL names."""
    return view.requester.may(Right.REMOVE, view.channel, view.repository)


def may_see(_request: Request, view: "PackageReleaseView", _action: str) -> bool:
    """Access condition: the channel that the URL names exists and is public, or one may read it."""
    return view.requester.may_read(view.served.distribution)
