"""The table of rights for the routes of the native client APIs and of the content app."""

from tests.functional.rights_rows import (
    ALL,
    REMOVING,
    SIGNED_IN,
    UPLOADING,
    Row,
    json_body,
    reading,
)

UPLOAD_CHECK = {"X-Upload-Check": "bytes=1000"}


_JUNK = {"data": b"no package"}


_ANACONDA = "/api/anaconda"


LOGIN = "{owner_name}/{channel_name}"


_DEMO = f"{LOGIN}/demo/1.0/noarch/{{filename}}"


CLIENT_APIS: dict[tuple[str, str], Row] = {
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
        "POST", f"/api/channels/{LOGIN}/upload/x.conda", UPLOADING, 400, _JUNK
    ),
    ("PrefixView", "upload"): Row(
        "POST",
        f"/api/v1/upload/{LOGIN}",
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
    ("AccountView", "owner"): Row("GET", f"{_ANACONDA}/user/{LOGIN}", SIGNED_IN, 200),
    ("LookupView", "package"): Row(
        "GET", f"{_ANACONDA}/package/{LOGIN}/demo", reading, 200, stranger=404, anonymous=404
    ),
    ("LookupView", "release"): Row(
        "GET", f"{_ANACONDA}/release/{LOGIN}/demo/1.0", reading, 200, stranger=404, anonymous=404
    ),
    ("LookupView", "distribution"): Row(
        "GET", f"{_ANACONDA}/dist/{_DEMO}", reading, 200, stranger=404, anonymous=404
    ),
    ("LookupView", "announce"): Row("POST", f"{_ANACONDA}/package/{LOGIN}/demo", SIGNED_IN, 200),
    ("LookupView", "remove"): Row(
        "DELETE",
        f"{_ANACONDA}/release/{LOGIN}/{{gone}}/1.0",
        REMOVING,
        201,
        stranger=None,
        anonymous=None,
        expendable="package",
    ),
    ("LookupView", "remove_distribution"): Row(
        "DELETE",
        f"{_ANACONDA}/dist/{LOGIN}/{{gone}}/2.0/noarch/{{gone}}-2.0-0.conda",
        REMOVING,
        200,
        stranger=None,
        anonymous=None,
        expendable="package",
    ),
    ("StageView", "stage"): Row(
        "POST", f"{_ANACONDA}/stage/{LOGIN}/x/1.0/noarch/x.conda", UPLOADING, 200, json_body()
    ),
    ("StageView", "commit"): Row(
        "POST",
        f"{_ANACONDA}/commit/{LOGIN}/x/1.0/noarch/x.conda",
        UPLOADING,
        404,
        json_body(dist_id="{staged}"),
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
        "POST", "/api/oidc/mint_token", ALL, 401, json_body(token="x"), of_channel=False
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
        "GET", f"/pulp/content/{LOGIN}/noarch/repodata.json", reading, 200, hidden=404
    ),
    ("content", "stream_channel"): Row(
        "GET",
        f"/t/{{path_token}}/pulp/content/{LOGIN}/noarch/repodata.json",
        reading,
        200,
        hidden=404,
        without_credentials=False,
    ),
}
