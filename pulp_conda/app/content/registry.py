"""Reading a channel by the registry's URL."""

from aiohttp.web import HTTPMovedPermanently, HTTPNotFound, Request, StreamResponse
from pulpcore.plugin.content import Handler
from pulpcore.plugin.util import get_domain

from pulp_conda.app.models import CondaDistribution, channel_named
from pulp_conda.app.registry.paths import parse_download_path
from pulp_conda.formats.errors import InvalidIdentifier


class TokenHandler(Handler):
    """Serves conda channels, and nothing else, at the content app's URLs with a token in them."""

    distribution_model = CondaDistribution

    async def stream_channel(self, request: Request) -> StreamResponse:
        """Answer as the content app does, but keep the token where a slash is missing.

        Raises:
            HTTPMovedPermanently: to the root of the channel.
        """
        try:
            return await self.stream_content(request)
        except HTTPMovedPermanently as error:
            # What pulpcore knows is the path without the token: a relative one holds for both.
            folder = request.rel_url.raw_path.rpartition("/")[2]
            raise HTTPMovedPermanently(f"./{folder}/") from error


class RegistryHandler(TokenHandler):
    """Serves `/api/packages/{owner}/conda/[{channel}/]{subdir}/{file}`.

    From the same distributions as the content app's own URLs, by the same rules.
    """

    async def stream_registry(self, request: Request) -> StreamResponse:
        """Answer as the content app answers for the channel's distribution.

        Raises:
            HTTPNotFound: no channel can have that name.
        """
        requested = request.match_info["path"]
        if "\0" in requested:  # PostgreSQL refuses to look for NUL
            raise HTTPNotFound
        channel, path = _parse(requested)
        owner = request.match_info.get("owner") or get_domain().name
        try:
            base_path = channel_named(owner, channel).base_path
        except InvalidIdentifier as error:
            raise HTTPNotFound from error
        # What pulpcore's handler reads, and what its cache takes as key.
        request.match_info["path"] = base_path if path is None else f"{base_path}/{path}"
        return await self.stream_channel(request)


def _parse(requested: str) -> tuple[str | None, str | None]:
    """Return channel and path; without a path where the slash after the channel is missing."""
    path = requested.removeprefix("/")
    if not requested:
        return None, None
    channel, below = parse_download_path(path)
    if "/" not in path and below.startswith("/"):
        return path, None
    return channel, below
