"""The routes of anaconda.org's API."""

from django.urls import URLPattern, re_path

from .account import AccountView
from .lookups import LookupView
from .uploads import StagedUploadView, StageView

_NAME = r"(?P<name>[^/]+)"
_RELEASE = rf"{_NAME}/(?P<version>[^/]+)"
_FILE = rf"{_RELEASE}/(?P<subdir>[^/]+)/(?P<file>[^/]+)"
_CHANGES = {"post": "announce", "patch": "announce", "delete": "remove"}


def routes(owner: str, login: str) -> list[URLPattern]:
    """Return the routes; `owner` and `login` are the regular expressions for these in a URL."""
    root = "^api/anaconda"
    return [
        re_path(rf"{root}/?\Z", AccountView.as_view({"get": "root"})),
        re_path(rf"{root}/user\Z", AccountView.as_view({"get": "user"})),
        re_path(rf"{root}/user/(?P<login>[\s\S]+)\Z", AccountView.as_view({"get": "owner"})),
        re_path(
            rf"{root}/package/{login}/{_NAME}\Z",
            LookupView.as_view({"get": "package", **_CHANGES}),
        ),
        re_path(
            rf"{root}/release/{login}/{_RELEASE}\Z",
            LookupView.as_view({"get": "release", **_CHANGES}),
        ),
        re_path(
            rf"{root}/dist/{login}/{_FILE}\Z",
            LookupView.as_view({"get": "distribution", "delete": "remove_distribution"}),
        ),
        re_path(rf"{root}/stage/{login}/{_FILE}\Z", StageView.as_view({"post": "stage"})),
        re_path(rf"{root}/commit/{login}/{_FILE}\Z", StageView.as_view({"post": "commit"})),
        re_path(
            rf"{root}/staged/{owner}/(?P<stage>[^/]+)\Z",
            StagedUploadView.as_view({"post": "upload"}),
        ),
    ]
