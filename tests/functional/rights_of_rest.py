"""The table of rights for the plugin's endpoints of Pulp's REST API."""

from collections.abc import Mapping
from typing import Any

from tests.functional.rights_of_client_apis import LOGIN
from tests.functional.rights_rows import (
    ADMIN,
    CONFIGURING,
    CREATING,
    OWNING,
    REMOVING,
    SEEING,
    SIGNED_IN,
    UPLOADING,
    Row,
    Who,
    json_body,
    knowing,
)

_NO_BODY = json_body()


def _crud(
    noun: str, listed: str, who: Who = SEEING, *, stranger: int | None = 404, other: int = 403
) -> dict[str, Row]:
    """Return the rows for reading a resource."""
    return {
        "list": Row("GET", listed, who, 200, is_list=True, stranger=404, other=404),
        "retrieve": Row("GET", f"{{{noun}}}", who, 200, stranger=stranger, other=other),
        "my_permissions": Row(
            "GET", f"{{{noun}}}my_permissions/", who, 200, stranger=stranger, other=other
        ),
    }


def _roles(
    noun: str, who: Who = OWNING, *, stranger: int | None = 403, other: int = 403
) -> dict[str, Row]:
    """Return the rows for the roles on a resource."""
    return {
        "list_roles": Row(
            "GET", f"{{{noun}}}list_roles/", who, 200, stranger=stranger, other=other
        ),
        "add_role": Row(
            "POST", f"{{{noun}}}add_role/", who, 400, _NO_BODY, stranger=stranger, other=other
        ),
        "remove_role": Row(
            "POST", f"{{{noun}}}remove_role/", who, 400, _NO_BODY, stranger=stranger, other=other
        ),
    }


def _changes(
    noun: str, who: Who, body: Mapping[str, Any], *, stranger: int | None = 403, other: int = 403
) -> dict[str, Row]:
    """Return the rows for changing a resource, with invalid bodies."""
    return {
        "update": Row("PUT", f"{{{noun}}}", who, 400, _NO_BODY, stranger=stranger, other=other),
        "partial_update": Row(
            "PATCH", f"{{{noun}}}", who, 400, body, stranger=stranger, other=other
        ),
    }


def _labels(noun: str, who: Who, *, stranger: int | None = 403, other: int = 403) -> dict[str, Row]:
    return {
        "set_label": Row(
            "POST", f"{{{noun}}}set_label/", who, 400, _NO_BODY, stranger=stranger, other=other
        ),
        "unset_label": Row(
            "POST", f"{{{noun}}}unset_label/", who, 400, _NO_BODY, stranger=stranger, other=other
        ),
    }


_REPOSITORIES = "repositories/conda/conda/"


_DISTRIBUTIONS = "distributions/conda/conda/"


_PUBLICATIONS = "publications/conda/conda/"


_GUARDS = "contentguards/conda/conda/"


_REMOTES = "remotes/conda/conda/"


_PATCHES = "content/conda/repodata_patches/"


_NEW = "{owner_name}/new-{role}"


REST: dict[str, dict[str, Row]] = {
    "CondaRepositoryViewSet": {
        **_crud("repository", f"{_REPOSITORIES}?name={LOGIN}"),
        "create": Row("POST", _REPOSITORIES, CREATING, 201, json_body(name=_NEW)),
        **_changes("repository", CONFIGURING, json_body(retain_repo_versions="x"), stranger=404),
        "destroy": Row(
            "DELETE", "{expendable}", OWNING, 202, stranger=404, expendable="repository"
        ),
        **_labels("repository", CONFIGURING, stranger=404),
        **_roles("repository", stranger=404),
        "modify": Row(
            "POST",
            "{repository}modify/",
            REMOVING,
            400,
            json_body(remove_content_units="x"),
            stranger=404,
        ),
        "cleanup": Row("POST", "{repository}cleanup/", REMOVING, 202, stranger=404),
        "sync": Row("POST", "{repository}sync/", REMOVING, 400, _NO_BODY, stranger=404),
        "check_index": Row(
            "POST", "{repository}check_index/", OWNING, 400, json_body(version=99), stranger=404
        ),
        "check_files": Row(
            "POST", "{repository}check_files/", OWNING, 400, json_body(version=99), stranger=404
        ),
    },
    "CondaRepositoryVersionViewSet": {
        "list": Row("GET", "{bare}versions/", SEEING, 200),
        "retrieve": Row("GET", "{bare}versions/0/", SEEING, 200),
        # The task fails: a repository keeps its only version.
        "destroy": Row("DELETE", "{bare}versions/0/", REMOVING, 202),
        "repair": Row(
            "POST", "{bare}versions/0/repair/", OWNING, 400, json_body(verify_checksums="x")
        ),
    },
    "CondaDistributionViewSet": {
        **_crud("distribution", f"{_DISTRIBUTIONS}?base_path={LOGIN}"),
        "create": Row("POST", _DISTRIBUTIONS, CREATING, 202, json_body(name=_NEW, base_path=_NEW)),
        **_changes("distribution", CONFIGURING, json_body(base_path="a b"), stranger=404),
        "destroy": Row(
            "DELETE", "{expendable}", OWNING, 202, stranger=404, expendable="distribution"
        ),
        **_labels("distribution", CONFIGURING, stranger=404),
        **_roles("distribution", stranger=404),
    },
    "CondaPublicationViewSet": {
        **_crud("publication", f"{_PUBLICATIONS}?repository_version={{version}}"),
        "create": Row("POST", _PUBLICATIONS, REMOVING, 202, json_body(repository="{empty}")),
        "destroy": Row(
            "DELETE", "{expendable}", REMOVING, 204, stranger=404, expendable="publication"
        ),
        **_roles("publication", stranger=404),
    },
    "CondaContentGuardViewSet": {
        **_crud("guard", f"{_GUARDS}?name={{guard_name}}", ADMIN, other=404),
        "create": Row("POST", _GUARDS, ADMIN, 400, _NO_BODY),
        **_changes("guard", ADMIN, json_body(hidden="x"), stranger=404, other=404),
        "destroy": Row(
            "DELETE", "{expendable}", ADMIN, 204, stranger=404, other=404, expendable="guard"
        ),
        **_roles("guard", ADMIN, stranger=404, other=404),
    },
    "CondaRemoteViewSet": {
        **_crud("remote", f"{_REMOTES}?name={{remote_name}}", ADMIN, other=404),
        "create": Row("POST", _REMOTES, ADMIN, 400, _NO_BODY),
        **_changes("remote", ADMIN, json_body(newest="x"), stranger=404, other=404),
        "destroy": Row(
            "DELETE", "{expendable}", ADMIN, 202, stranger=404, other=404, expendable="remote"
        ),
        **_labels("remote", ADMIN, stranger=404, other=404),
        **_roles("remote", ADMIN, stranger=404, other=404),
        # The task finds no such upstream.
        "probe": Row("POST", "{remote}probe/", ADMIN, 202, stranger=404, other=404),
    },
    "CondaOwnerViewSet": {
        **_crud("owner", "conda/owners/?name={owner_name}", knowing),
        "create": Row("POST", "conda/owners/", ADMIN, 400, json_body(name="a b")),
        **_changes("owner", OWNING, json_body(visibility="x"), stranger=None),
        "destroy": Row("DELETE", "{owner}", ADMIN, 400, stranger=None),
        **_roles("owner", stranger=None),
    },
    "CondaPackageViewSet": {
        "list": Row(
            "GET",
            "content/conda/packages/?sha256={sha256}",
            SEEING,
            200,
            stranger=404,
            is_list=True,
        ),
        "retrieve": Row("GET", "{unit}", SEEING, 200, stranger=404),
        "create": Row(
            "POST",
            "content/conda/packages/",
            UPLOADING,
            202,
            {"data": {"repository": "{empty}", "artifact": "{artifact}", "overwrite": "false"}},
        ),
        **_labels("unit", ADMIN),
    },
    "CondaRepodataPatchViewSet": {
        "list": Row(
            "GET",
            f"{_PATCHES}?repository_version={{version}}",
            SEEING,
            200,
            stranger=404,
            is_list=True,
        ),
        "retrieve": Row("GET", "{patch}", SEEING, 200, stranger=404),
        "create": Row(
            "POST",
            _PATCHES,
            REMOVING,
            202,
            {
                "files": {"file": ("patches", b'{"patch_instructions_version": 1}')},
                "data": {"repository": "{empty}", "subdir": "noarch"},
            },
        ),
        **_labels("patch", ADMIN),
    },
    "CondaNoticeViewSet": {
        "list": Row(
            "GET",
            "conda/notices/?distribution={distribution}",
            knowing,
            200,
            stranger=404,
            is_list=True,
        ),
        "retrieve": Row("GET", "{notice}", knowing, 200, stranger=404),
        "create": Row(
            "POST",
            "conda/notices/",
            CONFIGURING,
            201,
            json_body(distribution="{distribution}", message="x"),
        ),
        **_changes("notice", CONFIGURING, json_body(level="x"), stranger=None),
        "destroy": Row(
            "DELETE", "{expendable}", CONFIGURING, 204, stranger=None, expendable="notice"
        ),
    },
    "AccessTokenViewSet": {
        "list": Row("GET", "conda/tokens/", SIGNED_IN, 200),
        "create": Row("POST", "conda/tokens/", SIGNED_IN, 400, _NO_BODY),
        "retrieve": Row("GET", "{admins_token}", ADMIN, 200, stranger=404, other=404),
        "destroy": Row(
            "DELETE", "{expendable}", ADMIN, 204, stranger=404, other=404, expendable="token"
        ),
    },
}
