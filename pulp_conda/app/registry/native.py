"""Base view of all native APIs: the domain, the requester, and answers to failures."""

import http
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponseBase
from pulpcore.plugin.models import Domain
from pulpcore.plugin.util import set_domain
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from pulp_conda.app.authentication.credentials import Identity, Password, Token, credentials_of
from pulp_conda.app.authentication.drf import CondaAuthentication
from pulp_conda.app.authentication.identity import asker_of
from pulp_conda.app.authentication.origins import check_origin
from pulp_conda.app.core.policies import with_known_policy
from pulp_conda.app.models.access_facts import AccessFacts, Asked, facts_of

from .bodies import is_upload_check
from .errors import explain
from .negotiation import NoNegotiation, NoParser

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
_REFUSAL = "X-Upload-Refusal"
_MAX_REFUSAL_CHARACTERS = 2000  # nginx takes 4 kB of headers
_RETRY_AFTER_SECONDS = 5


class NativeView(ViewSet):
    """A view of a native client API; answers failures with `reason` and `message`."""

    schema = None  # OpenAPI describes Pulp's own API only
    parser_classes = [NoParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = NoNegotiation
    # The middleware answers an unknown domain with a page that gives no reason.
    skip_domain_middleware = True
    methods_of_content_app: tuple[str, ...] = ()
    """Methods that the content app answers at the view's URLs."""
    credentials: Token | Password | Identity | None
    facts: AccessFacts
    """What the database knows about the requester, and about the channel that the URL names."""

    @classmethod
    @abstractmethod
    def urlpattern(cls) -> str:
        """Return the name of the view's access policy."""

    @property
    def allowed_methods(self) -> list[str]:
        """The methods of the view's URLs, including those of the content app."""
        known = {*super().allowed_methods, *self.methods_of_content_app}
        return sorted(known, key=_METHODS.index)

    def options(self, *_: Any, **__: Any) -> Response:
        """Answer OPTIONS; the header `Allow`, which every answer has, lists the methods."""
        return Response(status=204)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Set the domain (the owner, if domains are enabled), then let DRF check the request.

        OPTIONS is not checked, because browsers send it before they send credentials.
        """
        if request.method == "OPTIONS":
            return
        check_origin(request, kwargs.get("token"))
        self.credentials = credentials_of(request.headers, kwargs.get("token"))
        takes_them = CondaAuthentication in self.authentication_classes
        asked = self.asked()
        self.facts = facts_of(asker_of(self.credentials if takes_them else None), asked)
        if self.action is None:
            self.perform_authentication(request)
            raise MethodNotAllowed(request.method)
        # An absent domain is treated as an empty one, so that the answers do not differ.
        domain = self.facts.domain or Domain(name=asked.domain)
        set_domain(domain)
        request.pulp_domain = domain  # type: ignore[attr-defined]
        super().initial(request, *args, **kwargs)

    def asked(self) -> Asked:
        """Return what has to be known before the request can be authorised."""
        domain = self.kwargs.get("owner", "default") if settings.DOMAIN_ENABLED else "default"
        return Asked(domain, policy=self.urlpattern())

    def get_permissions(self) -> Sequence[Any]:
        """Return the view's access policy, whose statements have been looked up."""
        return with_known_policy(super().get_permissions())

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        """Answer any exception with a status and a message for the uploader."""
        status, message, headers = explain(exc, super().handle_exception)
        if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            headers = {**headers, "Retry-After": str(_RETRY_AFTER_SECONDS)}
        return self.failure(exc, status, message, headers)

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Keep answers out of caches, and repeat the refusal of an upload check in a header.

        Caches must not keep answers, because they depend on the user. nginx reads only the
        headers of the answer to an upload check.
        """
        response.headers.setdefault("Cache-Control", "private, no-store")
        refused = response.status_code >= http.HTTPStatus.BAD_REQUEST
        if refused and is_upload_check(request) and isinstance(response, Response):
            refusal = json.dumps(response.data)
            if len(refusal) <= _MAX_REFUSAL_CHARACTERS:
                response.headers[_REFUSAL] = refusal
        return super().finalize_response(request, response, *args, **kwargs)

    def failure(
        self, _cause: Exception, status: int, message: str, headers: Mapping[str, str]
    ) -> HttpResponseBase:
        """Return the answer to a failure, in the form that the dialect's clients expect."""
        body = {"reason": http.HTTPStatus(status).phrase, "message": message}
        return Response(body, status=status, headers=headers, content_type="application/json")


class NowhereView(NativeView):
    """Answers 404 for URLs of the registry that no other view matches."""

    def initial(self, *_: Any, **__: Any) -> None:
        """Refuse every request.

        Raises:
            Http404: always.
        """
        raise Http404("no owner, channel or file can have this URL")
