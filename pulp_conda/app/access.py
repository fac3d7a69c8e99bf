"""Who may do what: access policies and roles, generated, and the registry's own condition."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rest_framework.request import Request

if TYPE_CHECKING:
    from .registry.views import RegistryView

_ANY = "has_model_or_domain_or_obj_perms"
_MODEL = "has_model_or_domain_perms"


def allow(actions: Iterable[str], *conditions: str) -> dict[str, Any]:
    """Return a statement that lets authenticated users do something under all conditions."""
    return {
        "action": list(actions),
        "principal": "authenticated",
        "effect": "allow",
        "condition": list(conditions),
    }


def policy(
    noun: str,
    *,
    create: Iterable[str] = (),
    update: Iterable[str] = (),
    actions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the access policy of a viewset with roles.

    `noun` is the model's name in permissions ("condarepository"); `create` and `update` are
    conditions beyond the object's own permissions; `actions` names the permission verb that each
    further action takes.
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
                "parameters": {"roles": f"conda.{noun}_owner"},
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


def may_upload(request: Request, view: "RegistryView", _action: str) -> bool:
    """Access condition: the user may upload to the channel that the URL names.

    To a channel that exists by the right to modify its repository, to another by the right to
    create repositories and distributions.
    """
    user, domain = request.user, getattr(request, "pulp_domain", None)
    repository = view.get_repository()
    scopes = [None, domain, repository]
    if repository is not None:
        return any(user.has_perm("conda.modify_condarepository", scope) for scope in scopes)
    needed = ("conda.add_condarepository", "conda.add_condadistribution")
    return any(all(user.has_perm(right, scope) for right in needed) for scope in scopes[:2])
