"""Decides when a stream is due for its periodic reload (`reload_after_days`): some changes come without an event."""

from __future__ import annotations

import hashlib
import typing as t

if t.TYPE_CHECKING:
    from tap_contentstack.sync.bookmarks import Bookmark

DAY = 86_400
"""Seconds."""


def reload_is_due(name: str, bookmark: Bookmark, days: float | None, now: float) -> bool:
    """Return whether a stream's last initial pass ended too long ago.

    Each stream has a limit of its own, derived from its name, between half of `days` and `days`: otherwise the streams
    that were loaded on one day would fall due on one day.

    Args:
        name: The stream.
        bookmark: Its bookmark.
        days: The setting `reload_after_days`; None for never.
        now: Seconds since 1970.
    """
    if days is None or bookmark.sync_token is None:
        return False
    share = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return now - bookmark.full_load_time > days * DAY * (1 + share) / 2
