"""Access conditions of the REST API: the user must have rights to all objects of a request.

"They" in the docstrings of conditions is the user of the request.
"""

from typing import Any, Protocol, TypedDict, cast

from django.conf import settings
from django.db.models import Model
from pulpcore.plugin.models import (
    Artifact,
    Publication,
    Repository,
    RepositoryContent,
    RepositoryVersion,
)
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from pulp_conda.app.models import (
    ChannelName,
    CondaDistribution,
    CondaNotice,
    CondaOwner,
    CondaRepository,
    Right,
    has_right,
    may_create_in,
    namesake,
    owner_part,
    owns,
    permitted,
    readable_repositories,
)
from pulp_conda.app.models import may_announce as may_announce_at


class View(Protocol):
    """The attributes of a viewset that conditions use."""

    detail: bool
    parent_viewset: object

    def get_object(self) -> Model:
        """Return the object of the URL."""

    def get_parent_object(self) -> Model:
        """Return the object of the first part of the URL."""

    def get_serializer(self, *args: object, **kwargs: object) -> Serializer[Any]:
        """Return the serializer of a request."""


class _ValidatedBody(TypedDict, total=False):
    """The validated data of a serializer."""

    artifact: Artifact
    base_path: str
    distribution: CondaDistribution
    overwrite: bool
    publication: Publication
    repository: Repository
    repository_version: RepositoryVersion


def has_right_to_repository(request: Request, view: View, _action: str, right: str) -> bool:
    """Access condition: they have a right to the repository of the view's object."""
    return _has_right(
        request, view.get_parent_object() if view.parent_viewset else view.get_object(), right
    )


def has_right_to_published(request: Request, view: View, _action: str, right: str) -> bool:
    """Access condition: they have a right to the repository of a publication."""
    return _has_right(request, _repository_of(cast(Publication, view.get_object())), right)


def has_right_to_distribution(request: Request, view: View, _action: str, right: str) -> bool:
    """Access condition: they have a right to a distribution by its owner, or by its repository.

    If a distribution serves a repository of another owner, rights to that repository give no right
    to the distribution.
    """
    distribution = cast(CondaDistribution, view.get_object())
    repository = distribution.served_repository
    if getattr(repository, "owner_id", None) != distribution.owner_id:
        repository = None
    if repository is None:
        return owns(request.user, Right(right), distribution.owner)
    return has_right(request.user, Right(right), distribution.owner, repository)


def has_right_to_named(request: Request, view: View, action: str, right: str) -> bool:
    """Access condition: they have a right to the repository that the request's body names.

    Only administrators may leave it out, because nobody else sees content without a repository.
    """
    data = _validated(request, view, action)
    repository = data.get("repository")
    if version := data.get("repository_version"):
        repository = version.repository
    if repository is None:
        if request.user.is_superuser:
            return True
        raise ValidationError({"repository": ["This field is required."]})
    return _has_right(request, repository.cast(), right)


def may_replace_in_named(request: Request, view: View, action: str) -> bool:
    """Access condition: an upload replaces no file, or they may remove files of the repository."""
    data = _validated(request, view, action)
    if request.user.is_superuser or not data.get("overwrite", True):
        return True
    if _has_right(request, data["repository"].cast(), Right.REMOVE):
        return True
    raise PermissionDenied(
        'You may add files but not replace any; send "overwrite": false in the request.'
    )


def may_use_artifact(request: Request, view: View, action: str) -> bool:
    """Access condition: they may see the artifact that the body names."""
    artifact = _validated(request, view, action).get("artifact")
    if artifact is None or permitted(request.user, "core.view_artifact"):
        return True
    memberships = RepositoryContent.objects.filter(
        content__contentartifact__artifact=artifact,
        repository__in=readable_repositories(request.user),
    )
    return memberships.exists()


def may_create_named(request: Request, _view: View, _action: str) -> bool:
    """Access condition: they may create a repository of the name that the body gives.

    In an owner's namespace that takes the right to create channels there.
    """
    owner = owner_part(_name(request))
    has_no_namespace = owner is None or settings.DOMAIN_ENABLED
    if has_no_namespace and permitted(request.user, "conda.add_condarepository"):
        return True
    return owner is not None and may_create_in(request.user, owner)


def may_create_own_namespace(request: Request, _view: View, _action: str) -> bool:
    """Access condition: the body's name is their own, so that the namespace will be theirs."""
    name = _name(request)
    return bool(name) and namesake(name) == request.user


def has_own_namespace(request: Request, view: View, _action: str) -> bool:
    """Access condition: the view's owner is their own namespace."""
    return cast(CondaOwner, view.get_object()).is_of(request.user)


def may_create_at_base_path(request: Request, view: View, action: str) -> bool:
    """Access condition: they may create channels in the namespace of the body's path.

    A request that does not change the path passes.
    """
    base_path = _validated(request, view, action).get("base_path")
    if base_path is None or (view.detail and _base_path(view) == base_path):
        return True
    owner = ChannelName.of_base_path(base_path).owner
    if settings.DOMAIN_ENABLED and permitted(request.user, "conda.add_condadistribution"):
        return True
    return may_create_in(request.user, owner)


def may_serve(request: Request, view: View, action: str) -> bool:
    """Access condition: they may configure the repository that the distribution is to serve.

    Serving a repository shows it to others, with everything that is added later.
    """
    data = _validated(request, view, action)
    served: list[Repository | None] = [data["repository"].cast()] if data.get("repository") else []
    if version := data.get("repository_version"):
        served.append(version.repository.cast())
    if publication := data.get("publication"):
        served.append(_repository_of(publication))
    return all(_has_right(request, each, Right.CONFIGURE) for each in served)


def may_announce(request: Request, view: View, action: str) -> bool:
    """Access condition: they may publish notices in the channel of a notice."""
    if action != "create":
        return may_announce_at(request.user, cast(CondaNotice, view.get_object()).distribution)
    return may_announce_at(request.user, _validated(request, view, action)["distribution"])


def _repository_of(publication: Publication) -> CondaRepository | None:
    """Return the repository of a publication, None if it belongs to another plugin.

    Following `repository_version` would load the ids of all content of that version.
    """
    return CondaRepository.objects.filter(versions__publication=publication.pk).first()


def _has_right(request: Request, repository: Model | None, right: str) -> bool:
    if not isinstance(repository, CondaRepository):  # another plugin's, with its own rights
        return bool(request.user.is_superuser)
    return has_right(request.user, Right(right), repository.owner, repository)


def _validated(request: Request, view: View, action: str) -> _ValidatedBody:
    """Return the validated body of a request; DRF answers 400 if it is invalid."""
    instance = view.get_object() if view.detail else None
    partial = action == "partial_update"
    serializer = view.get_serializer(instance, data=request.data, partial=partial)
    serializer.is_valid(raise_exception=True)
    body: _ValidatedBody = serializer.validated_data
    return body


def _base_path(view: View) -> str:
    return cast(CondaDistribution, view.get_object()).base_path


def _name(request: Request) -> str:
    """Return the name in a request's body. A body that is not an object is refused later."""
    data = request.data
    return str(data.get("name", "")) if isinstance(data, dict) else ""
