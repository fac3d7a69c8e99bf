"""Who may do what: access policies and roles, generated, and the registry's own condition."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Q, QuerySet
from pulpcore.plugin.models import RepositoryContent
from pulpcore.plugin.util import get_domain_pk, get_objects_for_user
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request

from .models import (
    ChannelName,
    CondaRepository,
    Right,
    has_right,
    may_create_in,
    namesake,
    of_owners,
    owner_part,
    owns,
    permitted,
)
from .models import may_announce as may_announce_at

if TYPE_CHECKING:
    from .registry.generic import PackageReleaseView
    from .registry.views import RegistryView

_ANY = "has_model_or_domain_or_obj_perms"
ROLE_ACTIONS = ("list_roles", "add_role", "remove_role")
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

    `noun` is the model's name in permissions ("condarepository"). `create` are conditions that
    stand in place of the permission to add one; `update` are conditions beyond the object's own
    permissions. `actions` names the permission verb that each further action takes. `creator` is
    the role that the creator of an object gets on it.
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
    """Return the locked roles of a noun: creator, owner (all `verbs`) and viewer."""
    return {
        f"conda.{noun}_creator": [f"conda.add_{noun}"],
        f"conda.{noun}_owner": [f"conda.{verb}_{noun}" for verb in (*verbs, "manage_roles")],
        f"conda.{noun}_viewer": [f"conda.view_{noun}"],
    }


def channel_roles() -> dict[str, list[str]]:
    """Return the locked roles of channels: each may all that the one before it may.

    A writer may what Forgejo's teams may that write packages, so they create channels as owners do
    and change no settings as maintainers do. Roles can be given on a channel (its repository), on
    an owner, on a domain and everywhere.
    """
    reader = [
        "conda.view_condaowner",
        "conda.view_condarepository",
        "conda.view_condadistribution",
        "conda.view_condapublication",
    ]
    publisher = [*reader, "conda.upload_condaowner", "conda.upload_condarepository"]
    removing = ["conda.modify_condaowner", "conda.modify_condarepository"]
    creating = [
        "conda.create_condaowner",
        "conda.add_condarepository",
        "conda.add_condadistribution",
    ]
    maintainer = [
        *publisher,
        *removing,
        "conda.configure_condaowner",
        "conda.change_condarepository",
        "conda.change_condadistribution",
        "conda.add_condapublication",
        "conda.delete_condapublication",
    ]
    owner = [
        *maintainer,
        *creating,
        "conda.change_condaowner",
        "conda.manage_roles_condaowner",
        "conda.delete_condarepository",
        "conda.repair_condarepository",
        "conda.manage_roles_condarepository",
        "conda.delete_condadistribution",
        "conda.manage_roles_condadistribution",
    ]
    return {
        "conda.channel_reader": reader,
        "conda.channel_publisher": publisher,
        "conda.channel_writer": [*publisher, *removing, *creating],
        "conda.channel_maintainer": maintainer,
        "conda.channel_owner": owner,
    }


def has_right_to_repository(request: Request, view: Any, _action: str, right: str) -> bool:
    """Access condition: one has a right to the repository of the view's object."""
    return _has_right(
        request, view.get_parent_object() if view.parent_viewset else view.get_object(), right
    )


def has_right_to_published(request: Request, view: Any, _action: str, right: str) -> bool:
    """Access condition: one has a right to the repository that a publication was made of."""
    return _has_right(request, _published(view.get_object()), right)


def has_right_to_distribution(request: Request, view: Any, _action: str, right: str) -> bool:
    """Access condition: one has a right to a distribution by its owner, or by what it serves.

    A repository of another owner that it serves gives no right to the URL.
    """
    distribution = view.get_object()
    repository = distribution.served_repository
    if getattr(repository, "owner_id", None) != distribution.owner_id:
        repository = None
    if repository is None:
        return owns(request.user, Right(right), distribution.owner)
    return has_right(request.user, Right(right), distribution.owner, repository)


def has_right_to_named(request: Request, view: Any, action: str, right: str) -> bool:
    """Access condition: one has a right to the repository that the request's body names.

    All but administrators have to name one: what no repository holds nobody else could see.
    """
    data = _validated(request, view, action)
    repository = data.get("repository")
    if version := data.get("repository_version"):
        repository = version.repository
    if repository is None:
        if request.user.is_superuser:
            return True
        raise ValidationError({"repository": ["Say which repository it is for."]})
    return _has_right(request, repository.cast(), right)


def may_replace_in_named(request: Request, view: Any, action: str) -> bool:
    """Access condition: an upload replaces no file, or one may remove files from the repository."""
    data = _validated(request, view, action)
    if request.user.is_superuser or not data.get("overwrite", True):
        return True
    if _has_right(request, data["repository"].cast(), Right.REMOVE):
        return True
    raise PermissionDenied(
        'You may add files and not replace any: say "overwrite": false in the request.'
    )


def may_use_artifact(request: Request, view: Any, action: str) -> bool:
    """Access condition: the artifact that the body names is one that the user may see."""
    artifact = _validated(request, view, action).get("artifact")
    if artifact is None or permitted(request.user, "core.view_artifact"):
        return True
    held = RepositoryContent.objects.filter(
        content__contentartifact__artifact=artifact, repository__in=readable_repositories(request)
    )
    return held.exists()


def may_create_named(request: Request, _view: Any, _action: str) -> bool:
    """Access condition: one may create a repository of the name that the body gives.

    In an owner's namespace that takes the right to create channels there.
    """
    # What is no object is 400 further on.
    name = request.data.get("name", "") if isinstance(request.data, dict) else ""
    owner = owner_part(str(name))
    outside = owner is None or settings.DOMAIN_ENABLED  # where there are no namespaces
    if outside and permitted(request.user, "conda.add_condarepository"):
        return True
    return owner is not None and may_create_in(request.user, owner)


def may_create_own_namespace(request: Request, _view: Any, _action: str) -> bool:
    """Access condition: the body's name is that of the user, whose namespace it then is."""
    name = request.data.get("name") if isinstance(request.data, dict) else None
    return isinstance(name, str) and namesake(name) == request.user


def has_own_namespace(request: Request, view: Any, _action: str) -> bool:
    """Access condition: the view's owner is the user's own namespace."""
    own: bool = view.get_object().is_of(request.user)
    return own


def may_create_at_base_path(request: Request, view: Any, action: str) -> bool:
    """Access condition: one may create channels in the namespace that the body's path is in.

    A change that leaves the path as it is creates nothing.
    """
    base_path = _validated(request, view, action).get("base_path")
    if base_path is None or (view.detail and view.get_object().base_path == base_path):
        return True
    owner = ChannelName.of_base_path(base_path).owner
    if settings.DOMAIN_ENABLED and permitted(request.user, "conda.add_condadistribution"):
        return True
    return may_create_in(request.user, owner)


def may_serve(request: Request, view: Any, action: str) -> bool:
    """Access condition: one may configure the repository that the body wants to be served.

    Whoever serves a repository shows it, and what comes into it later, to others.
    """
    data = _validated(request, view, action)
    served: list[Any] = [data["repository"].cast()] if data.get("repository") else []
    if version := data.get("repository_version"):
        served.append(version.repository.cast())
    if publication := data.get("publication"):
        served.append(_published(publication))
    return all(_has_right(request, each, Right.CONFIGURE) for each in served)


def readable_repositories(request: Request) -> QuerySet[CondaRepository]:
    """Return the channels' repositories that a user may see over REST."""
    repositories = CondaRepository.objects.filter(pulp_domain_id=get_domain_pk())
    user = request.user
    if user.is_superuser:
        return repositories
    by_role = get_objects_for_user(user, "conda.view_condarepository", repositories)
    return repositories.filter(Q(pk__in=by_role.values("pk")) | of_owners(user, Right.READ))


def _published(publication: Any) -> CondaRepository | None:
    """Return the channel's repository that a publication was made of; None for other plugins'.

    Following `repository_version` would load the ids of all content of that version.
    """
    return CondaRepository.objects.filter(versions__publication=publication.pk).first()


def _has_right(request: Request, repository: Any, right: str) -> bool:
    if not isinstance(repository, CondaRepository):  # of another plugin, whose rights are its own
        return bool(request.user.is_superuser)
    return has_right(request.user, Right(right), repository.owner, repository)


def _validated(request: Request, view: Any, action: str) -> Any:
    """Return what a request's body says; DRF answers 400 where it is invalid."""
    instance = view.get_object() if view.detail else None
    partial = action == "partial_update"
    serializer = view.get_serializer(instance, data=request.data, partial=partial)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


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


def may_replace(request: Request, view: "RegistryView", action: str) -> bool:
    """Access condition: an upload that is to replace a file comes from one who may remove it."""
    return not view.replaces or may_remove(request, view, action)


def may_remove(_request: Request, view: "RegistryView", _action: str) -> bool:
    """Access condition: one may remove packages from the channels that are meant."""
    return all(view.requester.may(Right.REMOVE, *target) for target in view.targets.items())


def may_see(_request: Request, view: "PackageReleaseView", _action: str) -> bool:
    """Access condition: the channel that the URL names exists and is public, or one may read it."""
    return view.requester.may_read(view.served.distribution)
