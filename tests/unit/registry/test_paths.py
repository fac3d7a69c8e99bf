"""Which channel and which file a path of the registry names."""

import pytest

from pulp_conda.app.registry.paths import parse_download_path


@pytest.mark.parametrize(
    ("path", "channel", "below"),
    [
        ("noarch/repodata.json", None, "noarch/repodata.json"),
        ("dev/noarch/x.conda", "dev", "noarch/x.conda"),
        ("a/b/noarch/x.conda", "a/b", "noarch/x.conda"),
        ("channeldata.json", None, "channeldata.json"),
        ("dev/notices.json", "dev", "notices.json"),
        ("a/b/index.html", "a/b", "index.html"),
        ("", None, ""),
        ("dev/", "dev", ""),
        ("a/b/", "a/b", ""),
    ],
)
def test_a_channels_name_ends_before_the_subdir_or_the_document(
    path: str, channel: str | None, below: str
) -> None:
    assert parse_download_path(path) == (channel, below)
