"""Loads everything that is published, page by page, under a new version; its end sweeps the rows of older versions.

Its checkpoint is the pagination token: the bookmark follows each page. History that the API may list is left out.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_contentstack.errors import TokenRefusedError
from tap_contentstack.sync.interruptions import PostponedError, Reason, StartOver

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_contentstack.api.page import Page
    from tap_contentstack.sync.load import Load


@dataclass
class InitialPass:
    """Runs initial passes, from the first page or from a checkpoint."""

    load: Load
    _held_back: tuple[int | None, str | None, int] | None = None
    """The checkpoint that covers records still buffered for a batch file: version, page token, items seen."""

    def run(self) -> None:
        """Load what is published; the last page brings the sync token.

        Raises:
            StartOver: The pages cannot be believed, or the checkpoint is refused.
            PostponedError: Nothing is published, and it is too early to believe that.
        """
        load, bookmark = self.load, self.load.bookmark
        before = seen = bookmark.items_seen  # seen runs ahead of the bookmark's where batches hold records back
        self._held_back = None
        load.progress.begin_pass()
        for page in self._pages():
            load.progress.reloaded = True
            rows = load.reader.rows(page.items)
            messages = [row.message for row in rows]
            seen += len(page.items)
            if load.record_limit is not None:
                with load.lock:
                    load.table.write(messages[: load.record_limit])
                return
            self._check_total(page.total_count)
            if rows or bookmark.locales:
                load.brake.release()
            if page.sync_token is not None:
                self._check_count(seen, bookmark.items_total)
                if load.brake.holds:  # nothing is listed, by this pass or any other of the run
                    raise PostponedError
            load.table.wait_for_version()
            with load.lock:
                load.table.write(messages)
                bookmark.add_locales({row.locale for row in rows if row.locale})
                if page.sync_token is not None:
                    load.table.finish()
                    load.table.sweep()
                    bookmark.full_load_at = load.clock.utc()
                self._held_back = (bookmark.version, page.pagination_token, seen) if load.table.holds_back else None
                if not self._held_back:
                    load.advance(page.pagination_token, page.sync_token, seen)
            load.progress.records += len(messages)
            load.progress.add_page(seen - before, None if page.total_count is None else page.total_count - before)

    def leave(self) -> None:
        """Write the records that are held back, with the checkpoint that covers them."""
        with self.load.lock:
            self.load.table.finish()
            version, token, seen = self._held_back or (None, None, 0)
            if token is not None and version == self.load.bookmark.version:  # the stream has not restarted meanwhile
                self.load.advance(token, None, seen)

    def _pages(self) -> Iterator[Page]:
        feed, token, seen = self.load.feed, self.load.bookmark.pagination_token, self.load.bookmark.items_seen
        try:
            yield from feed.resumed_pass(token, seen) if token else feed.initial_pass()
        except TokenRefusedError as error:
            raise StartOver(Reason.TOKEN, str(error)) from None

    def _check_total(self, total: int | None) -> None:
        """Compare `total_count` with that of the first page: if it changes, an edit has shifted the pages."""
        bookmark = self.load.bookmark
        if bookmark.items_total is None:
            bookmark.items_total = total
        elif total is not None and total != bookmark.items_total:
            detail = f"{total} instead of {bookmark.items_total}"
            bookmark.items_total = total
            if not self.load.has_restarted(Reason.SHIFTED):
                raise StartOver(Reason.SHIFTED, detail)
            self.load.logger.warning(
                "The API's item count changed again while the pages were read: %s; continuing", detail
            )

    def _check_count(self, seen: int, total: int | None) -> None:
        """Compare the number of items with `total_count`, which counts a whole pass (seen in recorded responses)."""
        if total is None or seen == total:
            return
        if not self.load.has_restarted(Reason.COUNT):
            raise StartOver(Reason.COUNT, f"{seen} instead of {total}")
        self.load.logger.warning("The API reported %d items but returned %d, twice; continuing with these", total, seen)
