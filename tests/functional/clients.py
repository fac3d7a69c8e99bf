"""py-rattler as the client: it solves, downloads, verifies and links as pixi does."""

import asyncio
import tempfile
from pathlib import Path

from rattler import Gateway, MatchSpec, SourceConfig, VirtualPackage, install, solve


def _gateway(cache: Path) -> Gateway:
    return Gateway(cache_dir=cache, default_config=SourceConfig(cache_action="no-cache"))


def solve_from(channels: list[str], specs: list[str]) -> list[str]:
    """Solve the specs for linux-64 and return the file names of the packages."""
    with tempfile.TemporaryDirectory() as cache:
        return sorted(
            record.file_name for record in asyncio.run(_solve(channels, specs, Path(cache)))
        )


def install_from(channels: list[str], specs: list[str], prefix: Path) -> list[str]:
    """Solve the specs, install the packages into a prefix and return their file names."""
    with tempfile.TemporaryDirectory() as cache:
        return asyncio.run(_install(channels, specs, prefix, Path(cache)))


async def _solve(channels: list[str], specs: list[str], cache: Path) -> list:  # type: ignore[type-arg]
    return await solve(
        sources=list(channels),
        gateway=_gateway(cache),
        specs=[MatchSpec(spec) for spec in specs],
        platforms=["linux-64", "noarch"],
        virtual_packages=VirtualPackage.detect(),
    )


async def _install(channels: list[str], specs: list[str], prefix: Path, cache: Path) -> list[str]:
    records = await _solve(channels, specs, cache)
    await install(records, target_prefix=prefix, cache_dir=cache / "pkgs", show_progress=False)
    return sorted(record.file_name for record in records)
