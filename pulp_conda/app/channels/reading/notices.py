"""The notices of a channel as clients read them, and the limit of their size."""

from collections.abc import Iterable
from uuid import UUID

from pulp_conda.app.models import CondaNotice
from pulp_conda.formats.notices import MAX_BYTES, Notice, notices_json, timestamp


def notices_of(distribution_pk: UUID) -> bytes:
    """Return a channel's notices.json, whose list may be empty."""
    return _document(CondaNotice.objects.current(distribution_pk))


def has_room_for(notice: CondaNotice) -> bool:
    """Return whether the channel's notices stay within `MAX_BYTES` with this one among them.

    The caller has locked the distribution, so that no other notice is saved at the same time.
    """
    others = CondaNotice.objects.current(notice.distribution_id).exclude(pk=notice.pk)
    return len(_document([*others, notice])) <= MAX_BYTES


def _document(notices: Iterable[CondaNotice]) -> bytes:
    return notices_json(
        Notice(
            id=str(notice.pk),
            message=notice.message,
            level=notice.level,
            created_at=timestamp(notice.created_at),
            expires_at=timestamp(notice.expires_at) if notice.expires_at else None,
        )
        for notice in notices
    )
