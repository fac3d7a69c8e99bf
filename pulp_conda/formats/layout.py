"""The names of the files below a channel's URL, and how long a client may keep each."""

from .identifiers import extension_of

NOARCH = "noarch"
"""The subdir that every channel has."""

REPODATA = "repodata.json"
CURRENT_REPODATA = "current_repodata.json"

ZST = ".zst"
BZ2 = ".bz2"

SUBDIR_DOCUMENTS = frozenset(
    document + suffix for document in (REPODATA, CURRENT_REPODATA) for suffix in ("", ZST, BZ2)
)
"""What a channel's index may hold in every subdir (CEP 36)."""

CHANNELDATA_JSON = "channeldata.json"
NOTICES = "notices.json"
INDEX_HTML = "index.html"

ROOT_DOCUMENTS = frozenset({CHANNELDATA_JSON, NOTICES, INDEX_HTML})
"""What clients may ask for beside the subdirs."""

PAGES = ("", INDEX_HTML)
"""Where a channel shows itself to people."""

SHARDS = "shards"
RUN_EXPORTS = "run_exports"
CHANNELDATA = "channeldata"

OPTIONAL_DOCUMENTS = ("current_repodata", "run_exports", "shards", "channeldata", "bz2")
"""What a channel may publish or not, by the names of its options."""

_PACKAGE_LIFETIME_S = 365 * 24 * 3600


def split(path: str) -> tuple[str, str]:
    """Split a path below a channel's URL into its subdir and its file name.

    The subdir is empty for a document of the channel's root, and holds a slash where the path is
    deeper than any that a channel has.
    """
    subdir, _, filename = path.rpartition("/")
    return subdir, filename


def cache_control(path: str, *, private: bool) -> str:
    """Return the Cache-Control header of a path: packages never change, documents do."""
    who = "private" if private else "public"
    if extension_of(split(path)[1]):
        return f"{who}, max-age={_PACKAGE_LIFETIME_S}, immutable"
    return f"{who}, max-age=0, must-revalidate"
