"""Uploading repodata patches."""

import json
from typing import Any

import requests

from tests.builders import PackageBuilder
from tests.functional.harness import Rest

PATCHES = "content/conda/repodata_patches/"


def send(rest: Rest, content: object, **fields: str) -> requests.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return rest.request("POST", PATCHES, files={"file": ("patches", body)}, data=fields)


def patched(rest: Rest, content: object, **fields: str) -> list[Any]:
    """Upload patches and return the units by subdir."""
    created = rest.wait(send(rest, content, **fields))["created_resources"]
    units = [rest.get(href) for href in created if "/content/" in href]
    return sorted(units, key=lambda unit: unit["subdir"])


def patch_package(**instructions: object) -> bytes:
    """Return a package with patches, as conda-forge's; in names of subdirs '_' stands for '-'."""
    builder = PackageBuilder("patches")
    for subdir, content in instructions.items():
        path = f"{subdir.replace('_', '-')}/patch_instructions.json"
        builder.file(path, json.dumps(content).encode())
    return builder.conda()
