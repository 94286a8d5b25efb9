"""Brings one stream's table up to what is published: its passes, from the first page to the sync token.

The invariant: whatever the target has been given so far, the bookmark in the state is true. A bookmark moves only after
every record that it covers, and the sync token is kept only after the sweep of its pass. So a run may be killed at any
point, and the next one resumes from whichever state the target confirmed:

- An *initial pass* lists what is published. Its records carry a new version, its pagination token is the checkpoint,
  and ACTIVATE_VERSION at its end sweeps the rows of older versions.
- A *delta* brings what changed since a sync token, in no order that could be relied on. It has no checkpoint.
"""

from __future__ import annotations

import typing as t

from tap_contentstack.errors import NotFoundError, TapError, TimeIsUpError
from tap_contentstack.sync.delta_pass import DeltaPass
from tap_contentstack.sync.initial_pass import InitialPass
from tap_contentstack.sync.interruptions import ContentTypeGoneError, LeaveForNextRunError, Reason, StartOver

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_contentstack.sync.counts import Counts
    from tap_contentstack.sync.load import Load
    from tap_contentstack.sync.removals import Removals

COUNT_ROUNDS = 2
"""Counts that are made, should items be edited meanwhile."""
FOLLOW_ROUNDS = 5
"""Deltas that are read after an initial pass, to catch up with what was edited meanwhile."""


class Passes:
    """Runs the passes of one stream."""

    def __init__(
        self,
        load: Load,
        removals: Removals,
        *,
        is_gone: Callable[[str], bool],
        known_locales: Callable[[], set[str]],
        has_all_time: bool = False,
        counts: Counts | None = None,
    ) -> None:
        """Prepare the passes.

        Args:
            load: What they share.
            removals: Finds out which rows a delta's deletes have left.
            is_gone: Whether a content type has been deleted.
            known_locales: The locales that rows may have been published to.
            has_all_time: Whether the stream began with the run, so that it has the whole time limit.
            counts: Asks how many items are published, if that is wanted.
        """
        self._load = load
        self._initial = InitialPass(load)
        self._delta = DeltaPass(load=load, removals=removals, is_gone=is_gone, known_locales=known_locales)
        self._is_gone = is_gone
        self._has_all_time = has_all_time
        self._counts = counts

    def run(self) -> None:
        """Load whatever the target lacks.

        Raises:
            ContentTypeGoneError: The content type was deleted meanwhile.
            PostponedError: Nothing is published, and it is too early to believe that.
            TimeIsUpError: The run's time has elapsed; the next run resumes from the bookmark.
            TapError: The stream cannot be completed.
        """
        load = self._load
        may_be_too_long = self._has_all_time and bool(load.bookmark.sync_token)
        while True:
            try:
                self._catch_up()
                self._count()
            except NotFoundError:
                uid = load.reader.content_type_uid
                if uid is None or not self._is_gone(uid):
                    self.leave()
                    raise
                raise ContentTypeGoneError from None
            except StartOver as interruption:
                load.restart(interruption)
                may_be_too_long = False
            except TimeIsUpError:
                self.leave()
                # Without checkpoints, the next run would fare no better; unless it only has to read the delta again.
                if may_be_too_long and load.progress.pages and not self._delta.is_recounting:
                    load.restart(StartOver(Reason.TIME_BOX))
                raise
            except TapError:
                self.leave()
                raise
            else:
                break
        load.reader.report()

    def leave(self) -> None:
        """Write the records that are held back, and the checkpoint that covers them; the next run resumes there."""
        self._initial.leave()

    def _catch_up(self) -> None:
        """Read the initial pass, where it is not complete yet, and then what changed since."""
        if self._load.bookmark.sync_token:
            self._delta.run()
            return
        self._initial.run()
        if self._load.record_limit is not None:
            return
        for _ in range(FOLLOW_ROUNDS):
            try:
                if not self._delta.run():
                    return
            except LeaveForNextRunError:
                return

    def _count(self) -> None:
        """Report how many items are published; a count is valid only if the delta read right after it is empty."""
        load = self._load
        if self._counts is None or load.record_limit is not None:
            return
        try:
            for _ in range(COUNT_ROUNDS):
                published = self._counts.published(load.bookmark.locales)
                if published is None:
                    return
                if not self._delta.run():
                    with load.lock:
                        load.table.write_loads_row(published)
                    return
        except (TimeIsUpError, LeaveForNextRunError):  # the stream is complete all the same
            return
        load.logger.info("Items kept changing while they were counted, so the stream's row in loads has no count")
