"""Brings one stream's table up to what is published: the story of a load, from the first page to the sync token.

The invariant: whatever the target has been given so far, the bookmark in the state is true. A bookmark moves only after
every record that it covers, and the sync token is kept only after the sweep of its pass. So a run may be killed at any
point, and the next one resumes from whichever state the target confirmed:

- An *initial pass* lists what is published. Its records carry a new version, its pagination token is the checkpoint,
  and ACTIVATE_VERSION at its end sweeps the rows of older versions. History that it may list is left out.
- A *delta* brings what changed since a sync token, in no order that could be relied on: the newest event of each key
  wins. It has no checkpoint; cut short, it restarts from its sync token, as writing a record twice is harmless.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from tap_contentstack.errors import NotFoundError, TapError, TimeIsUpError, TokenRefusedError
from tap_contentstack.events import TYPE_DELETED
from tap_contentstack.sync.delta import Delta
from tap_contentstack.sync.turns import (
    ContentTypeGoneError,
    LeaveForNextRunError,
    PostponedError,
    Reason,
    StartOver,
)

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tap_contentstack.api.feed import Feed
    from tap_contentstack.api.page import Page
    from tap_contentstack.records.items import ItemReader
    from tap_contentstack.sync.bookmarks import Bookmark
    from tap_contentstack.sync.brake import Brake
    from tap_contentstack.sync.counts import Counts
    from tap_contentstack.sync.progress import StreamProgress
    from tap_contentstack.sync.removals import Removals
    from tap_contentstack.values.clock import Clock

COUNT_ROUNDS = 2
"""Counts that are made, should items be edited meanwhile."""
FOLLOW_ROUNDS = 5
"""Deltas that are read after an initial pass, to catch up with what was edited meanwhile."""


class Table(t.Protocol):
    """The stream's table in the target. All but `begin` and `wait_for_version` need the writer's lock."""

    @property
    def holds_back(self) -> bool:
        """Whether there are records that the tap has not written yet (batch files)."""

    def begin(self) -> None:
        """Give the bookmark a new version, and announce that in the state."""

    def write(self, messages: Iterable[t.Any]) -> None:
        """Write records."""

    def finish(self) -> None:
        """Write the records that are held back."""

    def sweep(self) -> None:
        """Remove the rows of older versions."""

    def save(self) -> None:
        """Put the bookmark into the state, and write the state if one is due."""

    def tell(self, published: Mapping[str, int] | None = None) -> None:
        """Say that the table is complete, and how many items the API counts in it, by locale."""

    def wait_for_version(self) -> None:
        """Return when the clock has reached the version, so that no other run can have the same."""


@dataclass(kw_only=True)
class Passes:
    """Runs the passes of one stream."""

    feed: Feed
    reader: ItemReader
    removals: Removals
    table: Table
    lock: t.ContextManager[t.Any]
    """The writer's lock."""
    bookmark: Bookmark
    is_gone: Callable[[str], bool]
    """Whether a content type has been deleted."""
    known_locales: Callable[[], set[str]]
    """The locales that rows may have been published to."""
    brake: Brake
    clock: Clock
    progress: StreamProgress
    logger: logging.Logger
    has_whole_box: bool = False
    """Whether the stream is among the first of a run with a time box."""
    counts: Counts | None = None
    """Asks how many items are published, if that is wanted."""
    record_limit: int | None = None
    """Stop after this many records and leave the bookmark unchanged (a connection test)."""
    _passed: set[Reason] = field(default_factory=set)
    """The reasons for which the stream has restarted in this run."""
    _held_back: tuple[str | None, int] | None = None
    """The checkpoint of records that have been written but have not left the tap yet: page token, items seen."""

    def run(self) -> None:
        """Load whatever the target lacks.

        Raises:
            ContentTypeGoneError: The content type was deleted meanwhile.
            PostponedError: Nothing is published, and it is too early to believe that.
            TimeIsUpError: The run's time is over; the next run resumes from the bookmark.
            TapError: The stream cannot be completed.
        """
        may_be_too_long = self.has_whole_box and bool(self.bookmark.sync_token)
        while True:
            try:
                self._catch_up()
                self._count()
            except NotFoundError:
                uid = self.reader.content_type_uid
                if uid is None or not self.is_gone(uid):
                    raise
                raise ContentTypeGoneError from None
            except StartOver as turn:
                self._restart(turn)
                may_be_too_long = False
            except TimeIsUpError:
                self._leave()
                if may_be_too_long and self.progress.pages:  # without checkpoints, the next run would fare no better
                    self._restart(StartOver(Reason.TIME_BOX))
                raise
            else:
                break
        self.reader.report()

    def _restart(self, turn: StartOver) -> None:
        again = self._has_passed(turn.reason)
        self._passed.add(turn.reason)
        self._held_back = None
        self.bookmark.note_restart(None if again else turn.reason.name)
        if not again:
            self.logger.warning("The stream restarts: %s", turn)
        self.table.begin()
        if again:  # the next run begins the pass again, and may fare better
            msg = f"the stream restarted and came to the same point again: {turn}"
            raise TapError(msg) from None

    def _has_passed(self, reason: Reason) -> bool:
        return reason in self._passed or reason.name in self.bookmark.restarts

    def _catch_up(self) -> None:
        """Read the initial pass, where it is not complete yet, and then what changed since."""
        if self.bookmark.sync_token:
            self._delta()
            return
        self._initial_pass()
        if self.record_limit is not None:
            return
        for _ in range(FOLLOW_ROUNDS):
            try:
                if not self._delta():
                    return
            except LeaveForNextRunError:
                return

    def _count(self) -> None:
        """Tell how many items are published: only if following the token brings nothing does a count stand."""
        if self.counts is None or self.record_limit is not None:
            return
        try:
            for _ in range(COUNT_ROUNDS):
                published = self.counts.published(self.bookmark.locales)
                if published is None:
                    return
                if not self._delta():
                    with self.lock:
                        self.table.tell(published)
                    return
        except (TimeIsUpError, LeaveForNextRunError):  # the stream is complete all the same
            return
        self.logger.info("Items are edited again and again, so how many are published is left open")

    def _leave(self) -> None:
        """Write the records that are held back, with the checkpoint that covers them."""
        with self.lock:
            self.table.finish()
            if self._held_back is not None:
                token, seen = self._held_back
                self._advance(token, None, seen)

    def _advance(self, pagination_token: str | None, sync_token: str | None, seen: int) -> None:
        self._held_back = None
        self.bookmark.advance(pagination_token, sync_token, seen)
        self.bookmark.served_at = self.clock.utc()
        self.table.save()

    # Initial passes

    def _initial_pass(self) -> None:
        """Load everything that is published, page by page; the bookmark follows each page."""
        bookmark = self.bookmark
        before = seen = bookmark.items_seen  # seen runs ahead of the bookmark's where batches hold records back
        self.progress.begin_pass()
        self.progress.reloaded = True
        for page in self._pages_to_come():
            rows = self.reader.rows(page.items)
            messages = [row.message for row in rows]
            seen += len(page.items)
            if self.record_limit is not None:
                with self.lock:
                    self.table.write(messages[: self.record_limit])
                return
            self._check_total(page.total_count)
            if rows or bookmark.locales:
                self.brake.release()
            if page.sync_token is not None:
                self._check_count(seen, page.total_count)
                if self.brake.holds:  # nothing is listed, by this pass or any other of the run
                    raise PostponedError
            self.table.wait_for_version()
            with self.lock:
                self.table.write(messages)
                bookmark.add_locales({row.locale for row in rows if row.locale})
                if page.sync_token is not None:
                    self.table.finish()
                    self.table.sweep()
                    bookmark.full_load_at = self.clock.utc()
                    self.progress.swept = True
                if self.table.holds_back:
                    self._held_back = page.pagination_token, seen
                else:
                    self._advance(page.pagination_token, page.sync_token, seen)
            self.progress.records += len(messages)
            self.progress.add_page(seen - before, None if page.total_count is None else page.total_count - before)

    def _pages_to_come(self) -> Iterator[Page]:
        token, seen = self.bookmark.pagination_token, self.bookmark.items_seen
        try:
            yield from self.feed.resumed_pass(token, seen) if token else self.feed.initial_pass()
        except TokenRefusedError as error:
            raise StartOver(Reason.TOKEN, str(error)) from None

    def _check_total(self, total: int | None) -> None:
        """Compare `total_count` with that of the first page: if it changes, an edit has shifted the pages."""
        bookmark = self.bookmark
        if bookmark.items_total is None:
            bookmark.items_total = total
        elif total is not None and total != bookmark.items_total:
            detail = f"{total} instead of {bookmark.items_total}"
            bookmark.items_total = total
            if not self._has_passed(Reason.SHIFTED):
                raise StartOver(Reason.SHIFTED, detail)
            self.logger.warning("What the API counts changed again while the pages were read: %s; continuing", detail)

    def _check_count(self, seen: int, total: int | None) -> None:
        """Compare the number of items with `total_count`, which counts a whole pass (recorded)."""
        if total is None or seen == total:
            return
        detail = f"{seen} instead of {total}"
        if not self._has_passed(Reason.COUNT):
            raise StartOver(Reason.COUNT, detail)
        self.logger.warning("The API counts %d items and gave %d, twice; continuing with these", total, seen)

    # Deltas

    def _delta(self) -> int:
        """Load what changed since the bookmark's sync token; return how many items that were."""
        delta = self._whole_delta()
        if self.record_limit is not None:
            return 0
        tombstones = self.removals.tombstones(delta, self.bookmark.locales, self.known_locales(), self._has_passed)
        with self.lock:
            self.table.write(tombstones)
            self.bookmark.add_locales(delta.locales)
            self.table.finish()
            self._advance(None, delta.sync_token, 0)
        if self.bookmark.locales:  # a stream with rows, whose token is good
            self.brake.release()
        self.progress.tombstones += len(tombstones)
        return delta.items

    def _whole_delta(self) -> Delta:
        """Read the delta: again if a page is refused, and again if its items are not those counted, each once."""
        refused = miscounted = False
        while True:
            delta = Delta()
            try:
                self._read_delta(delta)
            except TokenRefusedError as error:
                if refused or not delta.pages:
                    raise StartOver(Reason.TOKEN, str(error)) from None
                refused = True
                self.logger.warning("A page of the delta is refused; reading the delta again")
                continue
            if delta.is_whole or self.record_limit is not None:
                return delta
            if miscounted:
                self.logger.warning("The API counts %d changes and gave %d, twice", delta.total, delta.items)
                return delta
            miscounted = True
            self.logger.warning("The API counts %d changes and gave %d; reading again", delta.total, delta.items)

    def _read_delta(self, delta: Delta) -> None:
        self.progress.begin_pass()
        for page in self.feed.delta(self.bookmark.sync_token or ""):
            delta.note(page)
            if self.record_limit is not None and delta.pages > 1:
                return
            for item in page.items:
                if item.type == TYPE_DELETED and self.reader.concerns(item):
                    self._on_type_deleted(item.content_type_uid)
            changes = [change for change in self.reader.changes(page.items) if delta.wins(change)]
            messages = [change.message for change in changes]
            with self.lock:
                self.table.write(messages[: self.record_limit])
            rows = sum(change.published for change in changes)
            self.progress.records += rows
            self.progress.tombstones += len(changes) - rows
            self.progress.add_page(delta.items, delta.total)

    def _on_type_deleted(self, content_type_uid: str) -> None:
        if Reason.TYPE_DELETED in self._passed:
            raise LeaveForNextRunError
        if self.reader.content_type_uid is not None and self.is_gone(content_type_uid):
            raise ContentTypeGoneError
        raise StartOver(Reason.TYPE_DELETED)
