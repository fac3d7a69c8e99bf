"""How long clients and proxies may keep a file of a channel."""

from pulp_conda.formats.layout import FileKind

_YEAR_S = 365 * 24 * 3600


def cache_control(kind: FileKind, *, private: bool, name_lifetime_s: int = 0) -> str:
    """Return the Cache-Control header of a file.

    A shard never changes, because its URL is its digest. A document is revalidated on every
    request, which costs little (304). So everybody sees a package from the moment at which its
    upload is answered with 201. A package is revalidated too, because its file may be removed or
    replaced, unless the channel excludes that for `name_lifetime_s` seconds.
    """
    scope = "private" if private else "public"
    lifetime = {FileKind.SHARD: _YEAR_S, FileKind.PACKAGE: name_lifetime_s}.get(kind, 0)
    return f"{scope}, max-age={lifetime}, " + ("immutable" if lifetime else "must-revalidate")
