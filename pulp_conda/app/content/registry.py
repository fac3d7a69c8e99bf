"""Reading a channel by the registry's URL."""

from aiohttp.web import HTTPNotFound, Request, StreamResponse
from pulpcore.plugin.content import Handler
from pulpcore.plugin.util import get_domain

from pulp_conda.app.models import CondaDistribution, channel_named
from pulp_conda.app.registry.paths import parse_download_path
from pulp_conda.formats.errors import InvalidIdentifier


class TokenHandler(Handler):
    """Serves conda channels, and nothing else, at the content app's URLs with a token in them."""

    distribution_model = CondaDistribution


class RegistryHandler(Handler):
    """Serves `/api/packages/{owner}/conda/[{channel}/]{subdir}/{file}`.

    From the same distributions as the content app's own URLs, by the same rules.
    """

    distribution_model = CondaDistribution

    async def stream_registry(self, request: Request) -> StreamResponse:
        """Answer as the content app answers for the channel's distribution.

        Raises:
            HTTPNotFound: no channel can have that name.
        """
        requested = request.match_info["path"]
        if "/" not in requested or "\0" in requested:  # PostgreSQL refuses to look for NUL
            raise HTTPNotFound
        channel, path = parse_download_path(requested)
        owner = request.match_info.get("owner") or get_domain().name
        try:
            base_path = channel_named(owner, channel).base_path
        except InvalidIdentifier as error:
            raise HTTPNotFound from error
        # What pulpcore's handler reads, and what its cache takes as key.
        request.match_info["path"] = f"{base_path}/{path}"
        return await self.stream_content(request)
