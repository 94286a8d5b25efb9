"""What one event of the feed does to one row, and which of two events of a row is the newer one."""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from tap_contentstack.events import DELETED, PUBLISHED

# A change's rank is one integer, so that a delta's memory of an item is small.
VERSION_BITS = 20
PUBLISHED_BIT = 1 << VERSION_BITS
TIME_SHIFT = VERSION_BITS + 1
UNTIMED = (1 << TIME_SHIFT) - 1
"""The bits of a rank that are not its time."""
MAX_VERSION = PUBLISHED_BIT - 1


class Change(msgspec.Struct, gc=False):
    """What one event does to one row.

    Attributes:
        uid: The item.
        locale: The locale of the row; None for a removal that names none, or none that the stream can hold.
        event: The event's type.
        event_at: The event's time, as the API writes it.
        content_type_uid: The content type of an entry, `sys_assets` for an asset.
        version: The item's version, where it has one.
        message: The RECORD, as the output takes it; None where there is no row to write.
    """

    uid: str
    locale: str | None
    event: str
    event_at: str
    content_type_uid: str
    version: object = None
    message: t.Any = None

    @property
    def published(self) -> bool:
        """Whether there is a row; else there is a tombstone."""
        return self.event in PUBLISHED

    @property
    def deleted(self) -> bool:
        """Whether the event may stand for the whole item, in all its locales."""
        return self.event in DELETED

    @property
    def rank(self) -> int:
        """What orders the changes of one key: the time; on a tie, a row outranks a tombstone, then the version.

        The time is in milliseconds since 1970, and 0 where it cannot be read.
        """
        moment = _moment(self.event_at)
        milliseconds = int(moment.timestamp() * 1000) if moment and moment.year > 1 else 0
        version = int(self.version) if isinstance(self.version, int | float) and 0 <= self.version <= MAX_VERSION else 0
        return max(milliseconds, 0) << TIME_SHIFT | self.published * PUBLISHED_BIT | version


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
