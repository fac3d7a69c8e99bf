"""Route handlers: a channel is read at the registry's URLs and at the content app's own."""

from concurrent.futures import ThreadPoolExecutor

from aiohttp.web import HTTPNotFound, Request, StreamResponse
from asgiref.sync import sync_to_async
from pulpcore.plugin.content import Handler

from pulp_conda.app.models import REQUESTER, ChannelName, channel_named
from pulp_conda.app.registry.paths import parse_download_path
from pulp_conda.formats import layout
from pulp_conda.formats.errors import InvalidIdentifier

from .answers import Representation, answer
from .channel_list import list_channels
from .database import ask
from .passwords import CREDENTIALS, HashNeeded, checked, delayed, identify
from .permission import UserUnknown
from .resolve import Rendering, UnknownChannel, find, rendered
from .users import introduce

_pulps_handler = Handler()

_PAGE_THREADS = 4

_in_thread_of_pages = sync_to_async(
    rendered,
    thread_sensitive=False,
    # Not asyncio's default threads, which read files: a storage that hangs would block them too.
    executor=ThreadPoolExecutor(_PAGE_THREADS, thread_name_prefix="pages"),
)


async def stream_registry(request: Request) -> StreamResponse:
    """Serve `/api/packages/{owner}/conda/[{channel}/]{subdir}/{file}`.

    The distributions and rules are those of the content app's own URLs. A URL that ends with
    `conda/` is answered with the list of the owner's channels.

    Raises:
        HTTPNotFound: there is no such channel, or its name is not valid.
    """
    channel, path = parse_download_path(request.match_info.get("path", ""))
    if channel is None and not path:
        return await list_channels(request)
    if channel is None and path and "/" not in path and path not in layout.ROOT_DOCUMENTS:
        channel, path = path, ""  # the root of a channel, without the final slash
    owner = request.match_info.get("owner") or request.match_info["pulp_domain"]
    try:
        name = channel_named(owner, channel)
    except InvalidIdentifier as error:
        await identify(request)
        raise HTTPNotFound from error
    request.match_info["path"] = f"{name.path}/{path}"
    try:
        return await _serve(request, name)
    except UnknownChannel as error:
        raise HTTPNotFound from error


async def stream_channel(request: Request) -> StreamResponse:
    """Serve only conda channels, at the content app's URLs that hold a token.

    Raises:
        HTTPNotFound: there is no such channel.
    """
    try:
        return await _serve(request)
    except UnknownChannel as error:
        raise HTTPNotFound from error


async def stream_content(request: Request) -> StreamResponse:
    """Serve conda channels at the content app's own URLs; pulpcore serves everything else."""
    try:
        return await _serve(request)
    except UnknownChannel:
        await introduce(request)
        return await _pulps_handler.stream_content(request)


HANDLERS = (list_channels, stream_registry, stream_channel, stream_content)


async def _serve(request: Request, name: ChannelName | None = None) -> StreamResponse:
    if "\0" in request.match_info["path"]:  # PostgreSQL refuses text with NUL
        await identify(request)
        raise HTTPNotFound
    try:
        found = await _found(request, name)
    except UserUnknown:
        await introduce(request)
        found = await ask(find, request, name)
    if isinstance(found, Rendering):
        found = await _in_thread_of_pages(found)
    return await answer(request, found) if isinstance(found, Representation) else found


async def _found(
    request: Request, name: ChannelName | None
) -> Representation | Rendering | StreamResponse:
    try:
        return await delayed(request.get(CREDENTIALS), ask(find, request, name))
    except HashNeeded as needed:
        request[REQUESTER] = await checked(needed)
    return await ask(find, request, name)
