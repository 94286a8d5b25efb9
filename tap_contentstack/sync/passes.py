"""Bringing one stream's table to what is published: initial passes, deltas, and what may interrupt them.

The invariant: whatever the target has been given so far, the bookmark in the state is true. A bookmark moves only after
every record that it covers, and a pass's sync token is kept only after the sweep of its version. So a run may be killed
anywhere, and the next one goes on from whichever state the target confirmed:

- An *initial pass* lists what is published. Its records carry a new version, its pagination token is the checkpoint,
  and its end sweeps what carries an older version. History that it may list (unpublished, deleted) is left out.
- A *delta* brings events in no order that could be relied on: the newest of each key wins. It has no checkpoint; cut
  short, it starts again from its sync token, as to emit a record twice is harmless.
"""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field
from itertools import islice

from tap_contentstack.api.feed import PAGE_SIZE
from tap_contentstack.errors import AccessError, ApiError, NotFoundError, TapError, TokenRefusedError
from tap_contentstack.records.changes import TYPE_DELETED
from tap_contentstack.sync.delta import Delta

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator

    from tap_contentstack.api.feed import Feed
    from tap_contentstack.api.page import Page
    from tap_contentstack.records.items import ItemReader
    from tap_contentstack.sync.bookmarks import Bookmark
    from tap_contentstack.sync.progress import Progress

FOLLOW_ROUNDS = 5
"""Deltas that are read after an initial pass, to catch up with what was edited meanwhile."""
FEW_CHECKS = 10
"""Requests that may be spent on deleted items before it is asked what a new initial pass would cost."""


class Reason(enum.StrEnum):
    """Why a stream's initial pass begins anew, each at most once in a run."""

    TOKEN = "its token is refused"  # noqa: S105
    COUNT = "its pages did not hold as many items as the API counts"
    TYPE_DELETED = "its content type was deleted and made again"
    CHECK = "it could not be found out which items are still published"
    REMOVALS = "so many items were deleted that this is quicker"
    UNPLACED = "an item was deleted, and nothing tells of which locales it has rows"


class StartOver(Exception):  # noqa: N818 - no error, a turn
    """The stream's initial pass has to begin anew."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        """Say why."""
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason


class LeaveForNextRunError(Exception):
    """What the delta tells is better dealt with by the next run; the bookmark stays where it is."""


class ContentTypeGoneError(Exception):
    """The stream's content type was deleted while the run was under way."""


class Table(t.Protocol):
    """The target's table, as far as the tap can act on it. All but `begin` is done with the pen in hand."""

    def begin(self) -> None:
        """Give the bookmark a new version and scope, and put it into the state."""

    def write(self, messages: Iterable[t.Any]) -> None:
        """Write records."""

    def checkpoint(self, advance: Callable[[], None]) -> None:
        """Move the bookmark, if every record written so far has left the tap."""

    def complete(self, advance: Callable[[], None], *, sweep: bool) -> None:
        """Let all records go, sweep older versions if asked, then move the bookmark."""

    def wait_for_version(self) -> None:
        """Return when the clock has reached the version, so that no other run can have the same."""


@dataclass(kw_only=True)
class Passes:
    """Runs the passes of one stream."""

    feed: Feed
    reader: ItemReader
    table: Table
    pen: t.ContextManager[t.Any]
    bookmark: Bookmark
    exists: Callable[[str], bool]
    """Whether a content type exists now."""
    known_locales: Callable[[], set[str]]
    """The locales that rows may have been published to."""
    progress: Progress
    logger: logging.Logger
    record_limit: int | None = None
    """Stop after so many records and leave the bookmark as it is (a connection test)."""
    _reasons: set[Reason] = field(default_factory=set)

    def run(self) -> None:
        """Load whatever the target lacks.

        Raises:
            ContentTypeGoneError: The content type was deleted meanwhile.
            TapError: The stream cannot be completed.
        """
        while True:
            try:
                self._catch_up()
            except NotFoundError:
                uid = self.reader.content_type_uid
                if uid is None or self.exists(uid):
                    raise
                raise ContentTypeGoneError from None
            except StartOver as turn:
                if turn.reason in self._reasons:
                    msg = f"the stream started over and could not go on again: {turn}"
                    raise TapError(msg) from None
                self._reasons.add(turn.reason)
                self.logger.warning("The stream starts over: %s", turn)
                self.table.begin()
            else:
                break
        self.reader.report()

    def _catch_up(self) -> None:
        if self.bookmark.sync_token:
            self._delta()
            return
        if not self._initial():
            return
        for _ in range(FOLLOW_ROUNDS):
            try:
                if not self._delta():
                    return
            except LeaveForNextRunError:
                return

    def _initial(self) -> bool:
        """Load everything that is published; return False if a connection test has seen enough."""
        bookmark = self.bookmark
        token = bookmark.pagination_token
        pages = self.feed.resumed_pass(token) if token else self.feed.initial_pass()
        before = seen = bookmark.items_seen  # seen runs ahead of the bookmark's where batches hold records back
        for page in self._with_refusals(pages):
            rows = self.reader.rows(page.items)
            messages = [row.message for row in rows]
            seen += len(page.items)
            if self.record_limit is not None:
                with self.pen:
                    self.table.write(messages[: self.record_limit])
                return False
            if page.sync_token is not None:
                self._check_count(seen, page.total_count)
            self.table.wait_for_version()
            with self.pen:
                self.table.write(messages)
                bookmark.add_locales({row.locale for row in rows if row.locale})
                if page.sync_token is None:
                    self.table.checkpoint(lambda: self._advance(page, seen))  # noqa: B023 - called at once
                else:
                    self.table.complete(lambda: self._advance(page, 0), sweep=True)  # noqa: B023
            self.progress.add(pages=1, records=len(messages))
            if page.total_count is not None:
                self.progress.note(self.reader.output, seen - before, page.total_count - before)
        return True

    def _advance(self, page: Page, items_seen: int) -> None:
        self.bookmark.pagination_token = page.pagination_token
        self.bookmark.sync_token = page.sync_token
        self.bookmark.items_seen = items_seen

    def _with_refusals(self, pages: Iterator[Page]) -> Iterator[Page]:
        try:
            yield from pages
        except TokenRefusedError as error:
            raise StartOver(Reason.TOKEN, str(error)) from None

    def _check_count(self, seen: int, total: int | None) -> None:
        if total is None or seen == total:
            return
        detail = f"{seen} instead of {total}"
        if Reason.COUNT not in self._reasons:
            raise StartOver(Reason.COUNT, detail)
        self.logger.warning("The API counts %d items and gave %d, twice; going on with these", total, seen)

    def _delta(self) -> int:
        """Load what changed since the bookmark's sync token; return how many items that were."""
        delta = self._whole_delta()
        if self.record_limit is not None:
            return 0
        tombstones = self._settle(delta)
        with self.pen:
            self.table.write(tombstones)
            self.bookmark.add_locales(delta.locales)
            self.table.complete(lambda: setattr(self.bookmark, "sync_token", delta.sync_token), sweep=False)
        self.progress.add(tombstones=len(tombstones))
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
            if delta.total is None or delta.items == delta.total or self.record_limit is not None:
                return delta
            if miscounted:
                self.logger.warning("The API counts %d changes and gave %d, twice", delta.total, delta.items)
                return delta
            miscounted = True
            self.logger.warning("The API counts %d changes and gave %d; reading again", delta.total, delta.items)

    def _read_delta(self, delta: Delta) -> None:
        assert self.bookmark.sync_token  # noqa: S101 - for the type checker: a delta begins with one
        for page in self.feed.delta(self.bookmark.sync_token):
            delta.note(page)
            if self.record_limit is not None and delta.pages > 1:
                return
            for item in page.items:
                if item.type == TYPE_DELETED and self.reader.concerns(item):
                    self._on_type_deleted(item.content_type_uid)
            changes = [change for change in self.reader.changes(page.items) if delta.wins(change)]
            messages = [change.message for change in changes]
            with self.pen:
                self.table.write(messages[: self.record_limit])
            rows = sum(change.published for change in changes)
            self.progress.add(pages=1, records=rows, tombstones=len(changes) - rows)
            if delta.total is not None:
                self.progress.note((self.reader.output, "delta"), delta.items, delta.total)

    def _on_type_deleted(self, content_type_uid: str) -> None:
        if Reason.TYPE_DELETED in self._reasons:
            raise LeaveForNextRunError
        if self.reader.content_type_uid is not None and not self.exists(content_type_uid):
            raise ContentTypeGoneError
        raise StartOver(Reason.TYPE_DELETED)

    def _settle(self, delta: Delta) -> list[t.Any]:
        """Return tombstones for the rows that a delete took along without naming their locale."""
        candidates = delta.locales | self.known_locales()
        if not candidates and delta.has_unplaced_deletes and Reason.UNPLACED not in self._reasons:
            raise StartOver(Reason.UNPLACED)
        questions = delta.questions(candidates)
        requests = sum(-(-len(changes) // PAGE_SIZE) for changes in questions.values())
        if requests > FEW_CHECKS and Reason.REMOVALS not in self._reasons:
            size = self.feed.size()
            if size is not None and requests > size / PAGE_SIZE:
                raise StartOver(Reason.REMOVALS)
        tombstones = []
        for (content_type_uid, locale), changes in questions.items():
            uids = iter(changes)
            while some := list(islice(uids, PAGE_SIZE)):
                alive = self._still_published(content_type_uid, locale, some)
                tombstones += [self.reader.tombstone(changes[uid], locale) for uid in some if uid not in alive]
        return tombstones

    def _still_published(self, content_type_uid: str, locale: str, uids: list[str]) -> set[str]:
        is_asset = any(event.startswith("asset") for event in self.reader.events)
        uid = None if is_asset else content_type_uid
        try:
            return self.feed.still_published(uid, locale, uids)
        except NotFoundError:
            return set()
        except AccessError:
            raise
        except ApiError as error:
            raise StartOver(Reason.CHECK, str(error)) from None
