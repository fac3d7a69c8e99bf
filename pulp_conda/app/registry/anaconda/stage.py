"""An upload between its announcement and its bytes.

Nothing is kept here: the announcement goes back to the client, signed, as part of the URL that
it sends the bytes to. So any API process can take them.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

from django.contrib.auth import get_user_model
from django.core import signing
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from pulp_conda.app.models import AccessToken, ChannelName, Requester

_SALT = "pulp_conda.anaconda.stage"
_LIFETIME_SECONDS = 6 * 3600  # ten gigabytes take that long at half a megabyte a second


@dataclass(frozen=True, slots=True)
class Stage:
    """An announced upload: of what, where to, and in whose name."""

    owner: str
    channels: list[str]
    subdir: str
    filename: str
    sha256: str | None
    user: str | None
    token: str | None

    @property
    def targets(self) -> list[ChannelName]:
        """The channels that the package is to go into."""
        return [ChannelName(self.owner, channel) for channel in self.channels]

    def sealed(self) -> str:
        """Return the stage as a part of a URL that nobody else can make."""
        return signing.dumps(asdict(self), salt=_SALT, compress=True)

    @classmethod
    def opened(cls, sealed: object) -> Self:
        """Return what was sealed.

        Raises:
            PermissionDenied: nothing that this server sealed, or too long ago.
        """
        try:
            return cls(**signing.loads(str(sealed), salt=_SALT, max_age=_LIFETIME_SECONDS))
        except signing.SignatureExpired as error:
            raise PermissionDenied("the upload was staged too long ago; stage it again") from error
        except (signing.BadSignature, TypeError) as error:
            raise PermissionDenied("the upload was not staged by this server") from error


def identity(requester: Requester) -> dict[str, str | None]:
    """Return what of a stage says in whose name it was made.

    Raises:
        PermissionDenied: the one who asks is known by this one request alone.
    """
    if requester.token is not None:
        return {"user": None, "token": str(requester.token.pk)}
    if isinstance(requester.user, get_user_model()):
        return {"user": str(requester.user.pk), "token": None}
    raise PermissionDenied("sign in with an access token, or with name and password")


class StageAuthentication(BaseAuthentication):
    """Knows who staged an upload: clients send no credentials with the bytes.

    His rights are looked up anew, so that a token that was revoked ends its uploads too.
    """

    def authenticate(self, request: Request) -> tuple[Any, AccessToken | None]:
        """Return who staged the upload, and by which token.

        Raises:
            AuthenticationFailed: he or the token is not active any more.
        """
        stage = Stage.opened(request.parser_context["kwargs"]["stage"])
        if stage.token is not None:
            token = AccessToken.objects.usable().filter(pk=stage.token).first()
            if token is not None:
                return token.principal, token
        elif stage.user is not None:
            user = get_user_model().objects.filter(pk=stage.user, is_active=True).first()
            if user is not None:
                return user, None
        raise AuthenticationFailed("whoever staged the upload may not upload any more")
