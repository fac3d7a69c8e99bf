"""A staged upload: the client has announced the file and has not sent it yet.

The server stores nothing. The signed announcement is a part of the URL to which the client sends
the file, so that any API process can receive it.
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
    """An announced upload: the file, the target channels, and the user or token."""

    owner: str
    channels: list[str]
    subdir: str
    filename: str
    sha256: str | None
    user: str | None
    token: str | None

    @property
    def targets(self) -> list[ChannelName]:
        """The target channels."""
        return [ChannelName(self.owner, channel) for channel in self.channels]

    def signed(self) -> str:
        """Return the stage as a signed text that fits into a URL."""
        return signing.dumps(asdict(self), salt=_SALT, compress=True)

    @classmethod
    def from_signed(cls, signed: object) -> Self:
        """Return the stage in a signed text.

        Raises:
            PermissionDenied: this server did not sign the text, or did so too long ago.
        """
        try:
            return cls(**signing.loads(str(signed), salt=_SALT, max_age=_LIFETIME_SECONDS))
        except signing.SignatureExpired as error:
            raise PermissionDenied("the upload was staged too long ago; stage it again") from error
        except (signing.BadSignature, TypeError) as error:
            raise PermissionDenied("the upload was not staged by this server") from error


def identity(requester: Requester) -> dict[str, str | None]:
    """Return the fields `user` and `token` of a stage.

    Raises:
        PermissionDenied: the requester has neither an account nor an access token.
    """
    if requester.token is not None:
        return {"user": None, "token": str(requester.token.pk)}
    if isinstance(requester.user, get_user_model()):
        return {"user": str(requester.user.pk), "token": None}
    raise PermissionDenied("sign in with an access token, or with name and password")


class StageAuthentication(BaseAuthentication):
    """Authenticates by the stage, because clients send no credentials with the file.

    The rights are looked up again, so that a token that was revoked in between has none.
    """

    def authenticate(self, request: Request) -> tuple[Any, AccessToken | None]:
        """Return the user who staged the upload, and their token.

        Raises:
            AuthenticationFailed: the user or the token is no longer active.
        """
        stage = Stage.from_signed(request.parser_context["kwargs"]["stage"])
        if stage.token is not None:
            token = AccessToken.objects.usable().filter(pk=stage.token).first()
            if token is not None:
                return token.principal, token
        elif stage.user is not None:
            user = get_user_model().objects.filter(pk=stage.user, is_active=True).first()
            if user is not None:
                return user, None
        raise AuthenticationFailed("the user or token that staged the upload is no longer active")
