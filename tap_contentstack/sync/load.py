"""What the passes of one stream share: its feed, its reader, its table and its bookmark."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from tap_contentstack.errors import TapError

if t.TYPE_CHECKING:
    import logging

    from tap_contentstack.api.feed import Feed
    from tap_contentstack.records.items import ItemReader
    from tap_contentstack.sync.bookmarks import Bookmark
    from tap_contentstack.sync.brake import Brake
    from tap_contentstack.sync.interruptions import Reason, StartOver
    from tap_contentstack.sync.progress import StreamProgress
    from tap_contentstack.sync.table import Table
    from tap_contentstack.values.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the passes of one stream share."""

    feed: Feed
    reader: ItemReader
    table: Table
    lock: t.ContextManager[t.Any]
    """The writer's lock."""
    bookmark: Bookmark
    brake: Brake
    clock: Clock
    progress: StreamProgress
    logger: logging.Logger
    record_limit: int | None = None
    """Stop after this many records and leave the bookmark unchanged (a connection test)."""
    restarts: set[Reason] = field(default_factory=set)
    """The reasons for which the stream has restarted in this run."""

    def advance(self, pagination_token: str | None, sync_token: str | None, seen: int) -> None:
        """Advance the bookmark to cover what has been written to the table; requires the writer's lock."""
        self.bookmark.advance(pagination_token, sync_token, seen)
        self.bookmark.served_at = self.clock.utc()
        if sync_token is None:
            self.table.save()
        else:
            self.table.complete()

    def has_restarted(self, reason: Reason) -> bool:
        """Return whether the stream has restarted for a reason, in this run or since its last complete pass."""
        return reason in self.restarts or reason.name in self.bookmark.restarts

    def restart(self, interruption: StartOver) -> None:
        """Give the table a new version, so that the load begins with an initial pass.

        Raises:
            TapError: It is the second time for this reason; the next run begins the pass, and may fare better.
        """
        again = self.has_restarted(interruption.reason)
        self.restarts.add(interruption.reason)
        self.bookmark.note_restart(None if again else interruption.reason.name)
        if not again:
            self.logger.warning("The stream restarts: %s", interruption)
        self.table.begin()
        if again:
            msg = f"the stream restarted, but the reason is still there: {interruption}"
            raise TapError(msg) from None
