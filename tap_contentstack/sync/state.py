"""The state of a run: every stream's bookmark, and when it is written for the target to confirm."""

from __future__ import annotations

import copy
import typing as t

from tap_contentstack.config.inputs import BOOKMARKS
from tap_contentstack.schema.names import COMBINED_STREAM, ENTRIES_PREFIX, stream_name
from tap_contentstack.sync.bookmarks import read_bookmark
from tap_contentstack.sync.interruptions import Reason
from tap_contentstack.values.clock import Clock

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Collection

    from tap_contentstack.sync.bookmarks import Bookmark

INTERVAL = 1.0
"""Seconds between two STATE messages, at least."""
LONGEST_WAIT = 2.0 + len(Reason)
"""Seconds that a pass waits at most for the clock to reach its version: each restart takes one more."""


def content_type_of(name: str, bookmark: object) -> str | None:
    """Return the content type whose table a bookmark is for; where it is damaged, the stream's name may still tell."""
    uid = bookmark.get("content_type_uid") if isinstance(bookmark, dict) else None
    for each in (uid, name.removeprefix(ENTRIES_PREFIX)):
        if isinstance(each, str) and stream_name(each) == name:
            return each
    return None


class State:
    """Holds the bookmarks of all streams and writes them as one STATE.

    The state that a target has confirmed is the only memory between two runs. While streams run, a bookmark is put into
    the state only with the writer's lock held, so that a STATE that any stream writes is true for all of them.
    """

    def __init__(
        self,
        values: dict[str, t.Any],
        write: Callable[[t.Any], None],
        logger: logging.Logger,
        *,
        started: float,
        clock: Clock | None = None,
        interval: float = INTERVAL,
    ) -> None:
        """Start without bookmarks.

        Args:
            values: The Singer state, which is kept up to date in place.
            write: Writes it as a message, if it differs from what was written last.
            logger: Where damage is reported.
            started: When the run began, in seconds since 1970.
            clock: The time.
            interval: Seconds between two STATEs during a run.
        """
        self._values = values
        self._write = write
        self._logger = logger
        self._started = started
        self._clock = clock or Clock()
        self._interval = interval
        self._written_at = float("-inf")
        self._bookmarks: dict[str, Bookmark] = {}
        self._locales_before: frozenset[str] = frozenset()

    # What an earlier run left

    def load(self, state: dict[str, t.Any]) -> dict[str, t.Any]:
        """Take over a Singer state, and return its bookmarks by stream name, sound or not."""
        bookmarks = state.get(BOOKMARKS, {})
        if not isinstance(bookmarks, dict) or (state and BOOKMARKS not in state):
            self._logger.warning("The state has no bookmarks that this tap understands; every stream restarts")
            bookmarks = {}
        self._kept.update(copy.deepcopy(bookmarks))
        return bookmarks

    @property
    def _kept(self) -> dict[str, t.Any]:
        """The bookmarks as they stand in the Singer state, those of streams that are not loaded among them."""
        kept: dict[str, t.Any] = self._values.setdefault(BOOKMARKS, {})
        return kept

    @property
    def names(self) -> list[str]:
        """The streams that have a bookmark."""
        return list(self._kept)

    def knows_content(self, loaded: Collection[str]) -> bool:
        """Return whether an earlier run found a content type: a typed stream, or a combined one with rows.

        Args:
            loaded: The streams that this run loads: a combined table that is not touched needs no protection.
        """
        combined = self._kept.get(COMBINED_STREAM) if COMBINED_STREAM in loaded else None
        return bool(self.content_type_uids()) or (
            isinstance(combined, dict) and (bool(combined.get("locales")) or read_bookmark(combined)[0].knows_rows)
        )

    def content_type_uids(self) -> set[str]:
        """Return the content types that bookmarks are for."""
        return {uid for name, bookmark in self._kept.items() if (uid := content_type_of(name, bookmark))}

    def take(self, name: str, bookmark: Bookmark) -> None:
        """Keep a stream's bookmark, which the stream moves from now on."""
        self._bookmarks[name] = bookmark

    def remember_initial_locales(self) -> None:
        """Remember the locales that all bookmarks together knew before the run moved any of them."""
        self._locales_before = frozenset(self.locales())

    def locales(self) -> set[str]:
        """Return the locales that the bookmarks know."""
        return {locale for bookmark in self._bookmarks.values() for locale in bookmark.locales}

    def known_locales(self) -> set[str]:
        """Return the locales that any stream may hold rows of: what one bookmark has lost, another may know.

        Those from before the run are among them, though the stream that knew them may have restarted since.
        """
        return {*self._locales_before, *self.locales()}

    # What this run adds

    def next_version(self, before: int | None) -> int:
        """Return a version that no earlier run used: the first whole second after this one began, if that is more."""
        return max(int(self._started) + 1, (before or 0) + 1)

    def wait_for(self, version: int | None) -> None:
        """Wait until the clock has reached a version; do not wait if that is too far ahead.

        A version is the first whole second after the run began, and no record is written before that second: so an
        earlier run that was killed, its state lost, cannot have given other rows the same version.
        """
        wait = (version or 0) - self._clock.time()
        if 0 < wait <= LONGEST_WAIT:
            self._clock.sleep(wait)

    def put(self, name: str, bookmark: Bookmark) -> None:
        """Put a bookmark into the state, which is not written yet."""
        self._bookmarks[name] = bookmark
        self._kept[name] = bookmark.to_state()

    def remove(self, name: str) -> None:
        """Forget a bookmark: its table is empty now, and its content type gone."""
        self._bookmarks.pop(name, None)
        self._kept.pop(name, None)

    def save(self, name: str, bookmark: Bookmark) -> None:
        """Put a bookmark into the state, and write the state if one is due; only with the writer's lock held."""
        self.put(name, bookmark)
        self.write_if_due()

    def write_if_due(self) -> None:
        """Write the state if the last STATE is long enough ago."""
        now = self._clock.monotonic()
        if now - self._written_at >= self._interval:
            self._written_at = now
            self.write()

    def write(self) -> None:
        """Write the state, if it differs from what was written last."""
        self._write(self._values)
