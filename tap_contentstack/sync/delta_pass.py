"""Loads what changed since the bookmark's sync token; the newest event of each key wins.

It has no checkpoint: cut short, it begins again at its sync token, as writing a record twice is harmless.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_contentstack.errors import TokenRefusedError
from tap_contentstack.events import TYPE_DELETED
from tap_contentstack.sync.bookmarks import MISCOUNTED
from tap_contentstack.sync.delta import Delta
from tap_contentstack.sync.interruptions import ContentTypeGoneError, LeaveForNextRunError, Reason, StartOver

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_contentstack.sync.load import Load
    from tap_contentstack.sync.removals import Removals


@dataclass(kw_only=True)
class DeltaPass:
    """Runs deltas."""

    load: Load
    removals: Removals
    is_gone: Callable[[str], bool]
    """Whether a content type has been deleted."""
    known_locales: Callable[[], set[str]]
    """The locales that rows may have been published to."""
    is_recounting: bool = False
    """Whether the delta was read in this run, and has to be read again, as it is not what the API counts."""

    def run(self) -> int:
        """Load what changed since the bookmark's sync token; return how many items that were.

        Raises:
            StartOver: The sync token is refused, or an initial pass is the better way.
            ContentTypeGoneError: The stream's content type has been deleted.
            LeaveForNextRunError: A content type was deleted again; the next run sees to it.
        """
        load, bookmark = self.load, self.load.bookmark
        delta = self._whole_delta()
        if load.record_limit is not None:
            return 0
        tombstones = self.removals.tombstones(delta, bookmark.locales, self.known_locales(), load.has_restarted)
        with load.lock:
            load.table.write(tombstones)
            bookmark.add_locales(delta.locales)
            load.table.finish()
            load.advance(None, delta.sync_token, 0)
        if bookmark.locales:  # a stream with rows, whose token is good
            load.brake.release()
        load.progress.tombstones += len(tombstones)
        return delta.items

    def _whole_delta(self) -> Delta:
        """Read the whole delta.

        It is read again once if a page after the first is refused, and once if the API counts another number of items;
        the next run may do that, if the time is up.
        """
        logger, bookmark = self.load.logger, self.load.bookmark
        refused = False
        while True:
            delta = Delta()
            try:
                self._read(delta)
            except TokenRefusedError as error:
                if refused or not delta.pages:
                    raise StartOver(Reason.TOKEN, str(error)) from None
                refused = True
                logger.warning("A page of the delta is refused; reading the delta again")
                continue
            if delta.is_whole or self.load.record_limit is not None:
                return delta
            if MISCOUNTED in bookmark.restarts:
                logger.warning(
                    "The API reported %d changes but returned %d, twice; continuing with these",
                    delta.total,
                    delta.items,
                )
                return delta
            logger.warning(
                "The API reported %d changes but returned %d; reading the delta again", delta.total, delta.items
            )
            self.is_recounting = True
            with self.load.lock:
                bookmark.note_restart(MISCOUNTED)
                self.load.table.save()

    def _read(self, delta: Delta) -> None:
        load = self.load
        load.progress.begin_pass()
        for page in load.feed.delta(load.bookmark.sync_token or ""):
            delta.note(page)
            if load.record_limit is not None and delta.pages > 1:
                return
            for item in page.items:
                if item.type == TYPE_DELETED and load.reader.concerns(item):
                    self._on_type_deleted()
            changes = [change for change in load.reader.changes(page.items) if delta.note_change(change)]
            messages = [change.message for change in changes]
            with load.lock:
                load.table.write(messages[: load.record_limit])
            rows = sum(change.published for change in changes)
            load.progress.records += rows
            load.progress.tombstones += len(changes) - rows
            load.progress.add_page(delta.items, delta.total)

    def _on_type_deleted(self) -> None:
        if Reason.TYPE_DELETED in self.load.restarts:
            raise LeaveForNextRunError
        content_type_uid = self.load.reader.content_type_uid  # the event may name none
        if content_type_uid is not None and self.is_gone(content_type_uid):
            raise ContentTypeGoneError
        raise StartOver(Reason.TYPE_DELETED)
