"""Who may do what: each route of the plugin, and whom it lets do what it is for.

A row names who may and what they are answered; the others are answered 401 without credentials,
and with them 403, or 404 where they are not to know what the row is about. Requests that would
change what other rows need fail for another reason once rights are judged: the answer says which.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.functional.rights_rows import (
    ADMIN,
    ALL,
    CONFIGURING,
    CREATING,
    OWNING,
    REMOVING,
    SEEING,
    SIGNED_IN,
    UPLOADING,
    Row,
    Who,
    knowing,
    reading,
)

UPLOAD_CHECK = {"X-Upload-Check": "bytes=1000"}


def _json(**body: Any) -> dict[str, Any]:
    return {"json": body}


_JUNK = {"data": b"no package"}
_ANACONDA = "/api/anaconda"
_LOGIN = "{owner_name}/{channel_name}"
_DEMO = f"{_LOGIN}/demo/1.0/noarch/{{filename}}"

_REGISTRY: dict[tuple[str, str], Row] = {
    ("PackageView", "upload"): Row(
        "PUT", "/api/packages/{owner_name}/conda/{channel_name}/x.conda", UPLOADING, 400, _JUNK
    ),
    ("PackageView", "remove"): Row(
        "DELETE",
        "/api/packages/{owner_name}/conda/{channel_name}/noarch/no-1-0.conda",
        REMOVING,
        404,
    ),
    ("QuetzView", "upload"): Row(
        "POST", f"/api/channels/{_LOGIN}/upload/x.conda", UPLOADING, 400, _JUNK
    ),
    ("PrefixView", "upload"): Row(
        "POST",
        f"/api/v1/upload/{_LOGIN}",
        UPLOADING,
        400,
        {**_JUNK, "headers": {"X-File-Name": "x.conda"}},
    ),
    ("InstanceView", "version"): Row("GET", "/api/v1/version", ALL, 200, of_channel=False),
    ("InstanceView", "limits"): Row("GET", "/api/v1/settings/api", ALL, 200, of_channel=False),
    ("InstanceView", "user"): Row("GET", "/api/v1/user", SIGNED_IN, 200, of_channel=False),
    ("PackageListView", "list"): Row(
        "GET", "/api/v1/packages/{owner_name}", reading, 200, stranger=404, anonymous=404
    ),
    ("PackageReleaseView", "retrieve"): Row(
        "GET", "/api/v1/packages/{owner_name}/conda/{channel_name}%2Fdemo", reading, 200, hidden=404
    ),
    ("PackageReleaseView", "destroy"): Row(
        "DELETE", "/api/v1/packages/{owner_name}/conda/{channel_name}%2Fno/1.0", REMOVING, 404
    ),
    ("AccountView", "root"): Row("GET", f"{_ANACONDA}/", ALL, 200, of_channel=False),
    ("AccountView", "user"): Row("GET", f"{_ANACONDA}/user", SIGNED_IN, 200, of_channel=False),
    ("AccountView", "owner"): Row("GET", f"{_ANACONDA}/user/{_LOGIN}", SIGNED_IN, 200),
    ("LookupView", "package"): Row(
        "GET", f"{_ANACONDA}/package/{_LOGIN}/demo", reading, 200, stranger=404, anonymous=404
    ),
    ("LookupView", "release"): Row(
        "GET", f"{_ANACONDA}/release/{_LOGIN}/demo/1.0", reading, 200, stranger=404, anonymous=404
    ),
    ("LookupView", "distribution"): Row(
        "GET", f"{_ANACONDA}/dist/{_DEMO}", reading, 200, stranger=404, anonymous=404
    ),
    ("LookupView", "announce"): Row("POST", f"{_ANACONDA}/package/{_LOGIN}/demo", SIGNED_IN, 200),
    ("LookupView", "remove"): Row(
        "DELETE",
        f"{_ANACONDA}/release/{_LOGIN}/{{gone}}/1.0",
        REMOVING,
        201,
        stranger=None,
        anonymous=None,
        expendable="package",
    ),
    ("LookupView", "remove_distribution"): Row(
        "DELETE",
        f"{_ANACONDA}/dist/{_LOGIN}/{{gone}}/2.0/noarch/{{gone}}-2.0-0.conda",
        REMOVING,
        200,
        stranger=None,
        anonymous=None,
        expendable="package",
    ),
    ("StageView", "stage"): Row(
        "POST", f"{_ANACONDA}/stage/{_LOGIN}/x/1.0/noarch/x.conda", UPLOADING, 200, _json()
    ),
    ("StageView", "commit"): Row(
        "POST",
        f"{_ANACONDA}/commit/{_LOGIN}/x/1.0/noarch/x.conda",
        UPLOADING,
        404,
        _json(dist_id="{staged}"),
    ),
    ("StagedUploadView", "upload"): Row(
        "POST",
        f"{_ANACONDA}/staged/{{owner_name}}/{{staged_by_them}}",
        UPLOADING,
        400,
        {"files": {"file": (None, b"no package")}},
        anonymous=403,
    ),
    ("NowhereView", "options"): Row("GET", "/api/v1/packages/", ALL, 404, of_channel=False),
    ("UploadCheckView", "check"): Row(
        "GET",
        "/api/conda/upload_check",
        SIGNED_IN,
        204,
        {"headers": UPLOAD_CHECK},
        of_channel=False,
    ),
    ("MintView", "mint"): Row(
        "POST", "/api/oidc/mint_token", ALL, 401, _json(token="x"), of_channel=False
    ),
    ("content", "list_channels"): Row(
        "GET", "/api/packages/{owner_name}/conda/", reading, 200, stranger=404, anonymous=404
    ),
    ("content", "stream_registry"): Row(
        "GET",
        "/api/packages/{owner_name}/conda/{channel_name}/noarch/repodata.json",
        reading,
        200,
        hidden=404,
    ),
    ("content", "stream_content"): Row(
        "GET", f"/pulp/content/{_LOGIN}/noarch/repodata.json", reading, 200, hidden=404
    ),
    ("content", "stream_channel"): Row(
        "GET",
        f"/t/{{path_token}}/pulp/content/{_LOGIN}/noarch/repodata.json",
        reading,
        200,
        hidden=404,
        anybodys=False,
    ),
}

_NO_BODY = _json()


def _crud(
    noun: str, listed: str, who: Who = SEEING, *, stranger: int | None = 404, other: int = 403
) -> dict[str, Row]:
    """Return the rows of reading a resource."""
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
    """Return the rows of giving roles on a resource."""
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
    """Return the rows of changing a resource, by bodies that are no good."""
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
_PATCHES = "content/conda/repodata_patches/"
_NEW = "{owner_name}/new-{role}"

_REST: dict[str, dict[str, Row]] = {
    "CondaRepositoryViewSet": {
        **_crud("repository", f"{_REPOSITORIES}?name={_LOGIN}"),
        "create": Row("POST", _REPOSITORIES, CREATING, 201, _json(name=_NEW)),
        **_changes("repository", CONFIGURING, _json(retain_repo_versions="x"), stranger=404),
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
            _json(remove_content_units="x"),
            stranger=404,
        ),
        "cleanup": Row("POST", "{repository}cleanup/", REMOVING, 202, stranger=404),
        "check_index": Row(
            "POST", "{repository}check_index/", OWNING, 400, _json(version=99), stranger=404
        ),
        "check_files": Row(
            "POST", "{repository}check_files/", OWNING, 400, _json(version=99), stranger=404
        ),
    },
    "CondaRepositoryVersionViewSet": {
        "list": Row("GET", "{bare}versions/", SEEING, 200),
        "retrieve": Row("GET", "{bare}versions/0/", SEEING, 200),
        # The task fails: a repository keeps its only version.
        "destroy": Row("DELETE", "{bare}versions/0/", REMOVING, 202),
        "repair": Row("POST", "{bare}versions/0/repair/", OWNING, 400, _json(verify_checksums="x")),
    },
    "CondaDistributionViewSet": {
        **_crud("distribution", f"{_DISTRIBUTIONS}?base_path={_LOGIN}"),
        "create": Row("POST", _DISTRIBUTIONS, CREATING, 202, _json(name=_NEW, base_path=_NEW)),
        **_changes("distribution", CONFIGURING, _json(base_path="a b"), stranger=404),
        "destroy": Row(
            "DELETE", "{expendable}", OWNING, 202, stranger=404, expendable="distribution"
        ),
        **_labels("distribution", CONFIGURING, stranger=404),
        **_roles("distribution", stranger=404),
    },
    "CondaPublicationViewSet": {
        **_crud("publication", f"{_PUBLICATIONS}?repository_version={{version}}"),
        "create": Row("POST", _PUBLICATIONS, REMOVING, 202, _json(repository="{empty}")),
        "destroy": Row(
            "DELETE", "{expendable}", REMOVING, 204, stranger=404, expendable="publication"
        ),
        **_roles("publication", stranger=404),
    },
    "CondaContentGuardViewSet": {
        **_crud("guard", f"{_GUARDS}?name={{guard_name}}", ADMIN, other=404),
        "create": Row("POST", _GUARDS, ADMIN, 400, _NO_BODY),
        **_changes("guard", ADMIN, _json(hidden="x"), stranger=404, other=404),
        "destroy": Row(
            "DELETE", "{expendable}", ADMIN, 204, stranger=404, other=404, expendable="guard"
        ),
        **_roles("guard", ADMIN, stranger=404, other=404),
    },
    "CondaOwnerViewSet": {
        **_crud("owner", "conda/owners/?name={owner_name}", knowing),
        "create": Row("POST", "conda/owners/", ADMIN, 400, _json(name="a b")),
        **_changes("owner", OWNING, _json(visibility="x"), stranger=None),
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
            _json(distribution="{distribution}", message="x"),
        ),
        **_changes("notice", CONFIGURING, _json(level="x"), stranger=None),
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

TABLE: dict[tuple[str, str], Row] = {
    **_REGISTRY,
    **{(view, action): row for view, rows in _REST.items() for action, row in rows.items()},
    **{
        (view, action): replace(row, of_channel=False)
        for view in ("CondaContentGuardViewSet", "AccessTokenViewSet")
        for action, row in _REST[view].items()
    },
}
"""The rows by view and action; handlers of the content app count as actions of one view."""
