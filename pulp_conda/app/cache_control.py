"""How long clients and proxies may keep a file of a channel."""

from pulp_conda.formats.layout import Kind

_YEAR_S = 365 * 24 * 3600


def cache_control(kind: Kind, *, private: bool, name_lifetime_s: int = 0) -> str:
    """Return the Cache-Control header of a file.

    A shard never changes, because its URL is its digest. A document is revalidated on every
    request, for which a 304 costs little: so a package is visible to everybody from the moment in
    which its upload is answered with 201. A package is revalidated as well, because its file may be
    removed or replaced, unless the channel excludes that for `name_lifetime_s` seconds.
    """
    who = "private" if private else "public"
    lifetime = {Kind.SHARD: _YEAR_S, Kind.PACKAGE: name_lifetime_s}.get(kind, 0)
    return f"{who}, max-age={lifetime}, " + ("immutable" if lifetime else "must-revalidate")
