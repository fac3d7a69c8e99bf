"""Add a package to a channel."""

from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.models import (
    EXISTS,
    FULL,
    RETIRED,
    UPLOAD,
    CondaPackage,
    CondaRepository,
    PendingChange,
)

from .queue import Dispatch, apply, new_change

# A version that was made and never published does not count, if the channel publishes by itself.
_IS_HELD = """
    SELECT package.sha256 = %(sha256)s
          FROM conda_condapackage package
          JOIN core_repositorycontent membership ON membership.content_id = package.content_ptr_id
          JOIN core_repositoryversion added ON added.pulp_id = membership.version_added_id
         WHERE package._pulp_domain_id = %(domain)s AND package.subdir = %(subdir)s
           AND package.filename = %(filename)s AND membership.repository_id = %(repository)s
           AND membership.version_removed_id IS NULL
           AND added.number <= (
                SELECT number FROM core_repositoryversion version
                 WHERE repository_id = %(repository)s AND complete
                   AND (NOT %(published)s OR EXISTS (
                        SELECT FROM core_publication
                         WHERE repository_version_id = version.pulp_id AND complete))
                 ORDER BY number DESC LIMIT 1)
         LIMIT 1
"""


class PackageExists(Exception):
    """The channel already has a file of that name, with the same or other bytes."""

    def __init__(self, package: CondaPackage, *, has_same_bytes: bool = False) -> None:
        super().__init__(f"package file already exists: {package.relative_path}")
        self.has_same_bytes = has_same_bytes


class NameRetired(Exception):
    """The file name belonged to other bytes until recently."""

    def __init__(self, package: CondaPackage) -> None:
        super().__init__(
            f"another file was called {package.relative_path} until a short while ago, and clients "
            "may still have its hash; use another build number (the channel has immutable_names)"
        )


class ChannelFull(Exception):
    """The quota of the channel or of its owner is used up."""

    def __init__(self, package: CondaPackage) -> None:
        super().__init__(
            f"there is no room for {package.relative_path} ({package.size} bytes): the channel or "
            "its owner holds as much as this server allows"
        )


_REFUSALS = {EXISTS: PackageExists, RETIRED: NameRetired, FULL: ChannelFull}


def check_free(repository: CondaRepository, package: CondaPackage) -> None:
    """Check that clients of a channel know no file of an unsaved package's name.

    This saves the server the work on an upload that would be refused. `commit` decides, since the
    channel may change in the meantime.

    Raises:
        PackageExists: the channel has a file of that name.
    """
    values = {
        "domain": get_domain_pk(),
        "subdir": package.subdir,
        "filename": package.filename,
        "sha256": package.sha256,
        "repository": repository.pk,
        "published": repository.autopublish,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_IS_HELD, values)
        if held := cursor.fetchone():
            raise PackageExists(package, has_same_bytes=held[0])


def new_upload(repository: CondaRepository, *, replace: bool = False) -> PendingChange:
    """Return an unsaved upload to a channel; with `replace` it may replace a file of its name."""
    return new_change(repository, kind=UPLOAD, replaces=replace)


def add(upload: PendingChange, package: CondaPackage, dispatch: Dispatch) -> None:
    """Wait until clients of the channel find the package of a saved upload in its index.

    If the repository does not publish by itself, wait until its latest version has the package.

    Raises:
        PackageExists: the channel has a file of that name.
        NameRetired: the channel had other bytes of that name until recently.
        ChannelFull: the channel's or the owner's quota is used up.
        CommitTimeout, CommitFailed: see `queue.apply`.
    """
    outcome = apply(upload, dispatch)
    if outcome in _REFUSALS:
        raise _REFUSALS[outcome](package)
