"""What a run has done so far: a line now and then while it lasts, and a summary at its end."""

from __future__ import annotations

import threading
import time
import typing as t

from singer_sdk import metrics
from singer_sdk.metrics import Metric

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

    def __init__(self, logger: logging.Logger, started: float) -> None:
        """Take when the run began, in seconds since 1970."""
        self._logger = logger
        self._lock = threading.Lock()
        self._started = started
        self._spoke = time.monotonic()
        self._passes: dict[Hashable, tuple[int, int]] = {}
        self.pages = self.records = self.tombstones = self.streams = 0

    def add(self, *, pages: int = 0, records: int = 0, tombstones: int = 0, streams: int = 0) -> None:
        """Count what was just written."""
        with self._lock:
            self.pages += pages
            self.records += records
            self.tombstones += tombstones
            self.streams += streams

    def note(self, stream: Hashable, seen: int, total: int) -> None:
        """Take note of how many items of a stream's initial pass this run has seen, and has to see in all."""
        self._passes[stream] = seen, total

    def tick(self) -> None:
        """Write a line if it is time for one."""
        now = time.monotonic()
        if now - self._spoke < INTERVAL:
            return
        self._spoke = now
        elapsed = time.time() - self._started
        text = f"{self.records:,} records in {self.pages:,} pages, {self.records / elapsed:,.0f} records/s"
        passes = list(self._passes.values())
        if seen := sum(seen for seen, _ in passes):
            share = seen / max(seen, sum(total for _, total in passes))
            text += f"; {share:.0%} of what was counted so far, about {_duration(elapsed / share - elapsed)} left"
        self._logger.info("Loading: %s", text)

    def summarize(self, counts: Counter[str]) -> None:
        """Write what the whole run came to, for people and as SDK metrics."""
        seconds = time.time() - self._started
        self._logger.info(
            "Done: %d streams, %s records, %s tombstones, %s requests (%s retries), %s received, in %s",
            self.streams,
            f"{self.records:,}",
            f"{self.tombstones:,}",
            f"{counts['requests']:,}",
            f"{counts['retries']:,}",
            _size(counts["bytes"]),
            _duration(seconds),
        )
        for kind, metric, value, tags in (
            ("counter", Metric.RECORD_COUNT, self.records, {"streams": self.streams, "tombstones": self.tombstones}),
            (
                "counter",
                Metric.HTTP_REQUEST_COUNT,
                counts["requests"],
                {each: counts[each] for each in ("retries", "bytes")},
            ),
            ("timer", Metric.JOB_DURATION, seconds, {}),
        ):
            metrics.log(metrics.get_metrics_logger(), metrics.Point(kind, metric, value, tags))


def _duration(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE:.0f} min {seconds % MINUTE:.0f} s"
    return f"{seconds // HOUR:.0f} h {seconds % HOUR // MINUTE:.0f} min"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"  # noqa: PLR2004
