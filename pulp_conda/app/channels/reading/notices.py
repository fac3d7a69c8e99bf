"""The notices of a channel as its clients read them, and the room that there is for them."""

from collections.abc import Iterable
from uuid import UUID

from pulp_conda.app.models import CondaNotice
from pulp_conda.formats.notices import MAX_BYTES, Notice, notices_json, timestamp


def notices_of(distribution_pk: UUID) -> bytes:
    """Return a channel's notices.json; empty of notices where there are none."""
    return _document(CondaNotice.objects.current(distribution_pk))


def has_room_for(notice: CondaNotice) -> bool:
    """Tell whether clients could still read the channel's notices with this one among them.

    To be asked while the distribution is locked, lest two notices take the same room.
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
