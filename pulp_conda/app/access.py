"""Generates the access policies and the locked roles of this plugin's views."""

from collections.abc import Iterable, Mapping
from typing import Any

_ANY = "has_model_or_domain_or_obj_perms"
ROLE_ACTIONS = ("list_roles", "add_role", "remove_role")
_MODEL = "has_model_or_domain_perms"


def allow(
    actions: Iterable[str], *conditions: str, principal: str = "authenticated"
) -> dict[str, Any]:
    """Return a statement that allows actions if all conditions hold."""
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

    `noun` is the model's name in permissions ("condarepository"). The conditions `create` replace
    the permission to add an object; the conditions `update` are added to the permission to change
    it. `actions` maps each further action to the verb of its permission. `creator` is the role
    that the creator of an object gets on it.
    """
    view = f"{_ANY}:conda.view_{noun}"
    statements = [
        allow(["list", "retrieve", "my_permissions"]),
        allow(["create"], *(create or (f"{_MODEL}:conda.add_{noun}",))),
        allow(["update", "partial_update"], f"{_ANY}:conda.change_{noun}", view, *update),
        allow(["set_label", "unset_label"], f"{_ANY}:conda.change_{noun}", view),
        allow(["destroy"], f"{_ANY}:conda.delete_{noun}", view),
        allow(ROLE_ACTIONS, f"{_ANY}:conda.manage_roles_{noun}"),
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
    """Return the locked roles of a model: creator, owner (all `verbs`) and viewer."""
    return {
        f"conda.{noun}_creator": [f"conda.add_{noun}"],
        f"conda.{noun}_owner": [f"conda.{verb}_{noun}" for verb in (*verbs, "manage_roles")],
        f"conda.{noun}_viewer": [f"conda.view_{noun}"],
    }


_READER = [
    "conda.view_condaowner",
    "conda.view_condarepository",
    "conda.view_condadistribution",
    "conda.view_condapublication",
]
_PUBLISHER = [*_READER, "conda.upload_condaowner", "conda.upload_condarepository"]
_REMOVING = [
    "conda.modify_condaowner",
    "conda.modify_condarepository",
    "conda.sync_condarepository",
]
_CREATING = [
    "conda.create_condaowner",
    "conda.add_condarepository",
    "conda.add_condadistribution",
]
_MAINTAINER = [
    *_PUBLISHER,
    *_REMOVING,
    "conda.configure_condaowner",
    "conda.change_condarepository",
    "conda.change_condadistribution",
    "conda.add_condapublication",
    "conda.delete_condapublication",
]
_OWNER = [
    *_MAINTAINER,
    *_CREATING,
    "conda.change_condaowner",
    "conda.manage_roles_condaowner",
    "conda.delete_condarepository",
    "conda.repair_condarepository",
    "conda.manage_roles_condarepository",
    "conda.delete_condadistribution",
    "conda.manage_roles_condadistribution",
]

CHANNEL_ROLES = {
    "conda.channel_reader": _READER,
    "conda.channel_publisher": _PUBLISHER,
    # Equals Forgejo's teams with write access: creates channels but changes no settings.
    "conda.channel_writer": [*_PUBLISHER, *_REMOVING, *_CREATING],
    "conda.channel_maintainer": _MAINTAINER,
    "conda.channel_owner": _OWNER,
}
"""The locked roles of channels and their permissions.

A role holds on a channel (its repository), on an owner, on a domain or everywhere.
"""
