"""Downloads of pulpcore from an upstream of this plugin, as for the repair of a damaged file.

pulpcore's own downloader does not know how a remote authenticates, follows any redirect with its
headers, and connects to any address.
"""

from typing import Any

from pulpcore.plugin.download import BaseDownloader, DownloadResult

from pulp_conda.app.models import CondaRemote

from .ask import Upstream
from .errors import TooLarge


class UpstreamDownloader(BaseDownloader):
    """Downloads one file."""

    def __init__(self, remote: CondaRemote, url: str, **kwargs: Any) -> None:
        """`kwargs` are those of `BaseDownloader`."""
        super().__init__(url, **kwargs)
        self._remote = remote

    async def _run(self, extra_data: dict[str, Any] | None = None) -> DownloadResult:
        """Download the file into the working directory, and check its size and digests.

        Raises:
            UpstreamError: it could not be had.
            DigestValidationError, SizeValidationError: it is another file.
        """
        async with Upstream(self._remote) as upstream, upstream.stream(self.url) as response:
            async for chunk in upstream.chunks(response):
                await self.handle_data(chunk)
                if self.expected_size is not None and self._size > self.expected_size:
                    raise TooLarge(f"{upstream.shown(self.url)} is longer than its record says.")
            headers = response.headers
        await self.finalize()
        return DownloadResult(
            url=self.url,
            artifact_attributes=self.artifact_attributes,
            path=self.path,
            headers=headers,
        )


class UpstreamDownloads:
    """Makes the downloaders of a remote (pulpcore's `DownloaderFactory`)."""

    def __init__(self, remote: CondaRemote) -> None:
        self._remote = remote

    def build(self, url: str, **kwargs: Any) -> UpstreamDownloader:
        """Return the downloader of a URL without secrets."""
        return UpstreamDownloader(self._remote, url, **kwargs)
