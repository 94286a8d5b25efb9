"""What a run has done so far: a line now and then while it lasts, and a summary at its end."""

from __future__ import annotations

import threading
import time
import typing as t

if t.TYPE_CHECKING:
    import logging
    from collections import Counter
    from collections.abc import Hashable

INTERVAL = 10.0
"""Seconds between two lines."""
MINUTE = 60
HOUR = 3600


class Progress:
    """Counts for all streams of a run together."""

    def __init__(self, logger: logging.Logger) -> None:
        """Start the clock."""
        self._logger = logger
        self._lock = threading.Lock()
        self._started = self._spoke = time.monotonic()
        self._expected: dict[Hashable, int] = {}
        self._done_before = 0
        self.pages = self.records = self.tombstones = self.items = self.streams = 0

    def add(self, *, pages: int = 0, records: int = 0, tombstones: int = 0, items: int = 0, streams: int = 0) -> None:
        """Count what was just written."""
        with self._lock:
            self.pages += pages
            self.records += records
            self.tombstones += tombstones
            self.items += items
            self.streams += streams

    def expect(self, total: int | None, already: int, key: Hashable) -> None:
        """Take note of how many items a pass has in all, of which an earlier run has seen some."""
        if total is not None and key not in self._expected:
            with self._lock:
                self._expected[key] = max(total - already, 0)

    def tick(self) -> None:
        """Write a line if it is time for one."""
        now = time.monotonic()
        if now - self._spoke < INTERVAL:
            return
        self._spoke = now
        elapsed = now - self._started
        text = f"{self.records:,} records in {self.pages:,} pages, {self.records / elapsed:,.0f} records/s"
        expected = sum(self._expected.values())
        if expected and self.items:
            share = min(self.items / expected, 1.0)
            text += f"; {share:.0%} of what was counted so far, about {_duration(elapsed / share - elapsed)} left"
        self._logger.info("Loading: %s", text)

    def summarize(self, counts: Counter[str]) -> None:
        """Write what the whole run came to."""
        self._logger.info(
            "Done: %d streams, %s records, %s tombstones, %s requests (%s retries), %s received, in %s",
            self.streams,
            f"{self.records:,}",
            f"{self.tombstones:,}",
            f"{counts['requests']:,}",
            f"{counts['retries']:,}",
            _size(counts["bytes"]),
            _duration(time.monotonic() - self._started),
        )


def _duration(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE:.0f} min {seconds % MINUTE:.0f} s"
    return f"{seconds // HOUR:.0f} h {seconds % HOUR // MINUTE:.0f} min"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"  # noqa: PLR2004
