"""Counts what a run has done, stream by stream, and logs progress while it runs and a total at its end."""

from __future__ import annotations

import statistics
import typing as t
from collections import deque
from dataclasses import dataclass, field

from singer_sdk import metrics
from singer_sdk.metrics import Metric

from tap_contentstack.values.clock import Clock

if t.TYPE_CHECKING:
    import logging
    from collections import Counter

INTERVAL = 10.0
"""Seconds between two lines."""
LAST_PAGES = 1000
"""Pages of a stream whose durations are kept for the median."""
MINUTE = 60
HOUR = 3600


@dataclass
class StreamProgress:
    """What one stream has done in this run.

    Attributes:
        name: The stream's name.
        pages: Pages read.
        records: Records written, without tombstones.
        tombstones: Tombstones written.
        reloaded: Whether an initial pass was read, whole or in part.
        complete: Whether the target has all that is published.
        seen: Items of the current pass that this run has seen.
        expected: Items of the current pass that this run sees in all, as the API counts them; None if it does not.
    """

    name: str
    clock: Clock
    pages: int = 0
    records: int = 0
    tombstones: int = 0
    reloaded: bool = False
    complete: bool = False
    seen: int = 0
    expected: int | None = None
    began_at: float = 0.0
    _durations: deque[float] = field(default_factory=lambda: deque(maxlen=LAST_PAGES))
    _page_at: float = 0.0

    def begin_pass(self) -> None:
        """Start counting a pass."""
        self.seen, self.expected = 0, None
        self.began_at = self._page_at = self.clock.monotonic()

    def add_page(self, seen: int, expected: int | None) -> None:
        """Count a page that has been processed.

        Args:
            seen: Items of the pass that this run has seen.
            expected: Items of the pass that this run sees in all, if the API tells.
        """
        now = self.clock.monotonic()
        self._durations.append(now - self._page_at)
        self._page_at = now
        self.pages += 1
        self.seen, self.expected = seen, expected

    def __str__(self) -> str:
        return f"{self.records:,} records, {self.tombstones:,} tombstones in {self.pages:,} pages"

    @property
    def median_page_seconds(self) -> float | None:
        """How long a page takes from asking for it until it is written."""
        return round(statistics.median(self._durations), 3) if self._durations else None

    @property
    def items_left(self) -> int | None:
        """How many items are still to be read, if that is known."""
        if self.complete:
            return 0
        return None if self.expected is None else max(0, self.expected - self.seen)

    @property
    def seconds_left(self) -> float:
        """How long the rest of the current pass takes at the pace so far; 0 where that is not known."""
        if self.complete or not self.seen:
            return 0.0
        return (self.items_left or 0) * (self.clock.monotonic() - self.began_at) / self.seen


class Progress:
    """The progress of all streams of a run, each of which counts in a thread of its own."""

    def __init__(self, logger: logging.Logger, started: float, clock: Clock | None = None) -> None:
        """Start without streams.

        Args:
            logger: Where the lines go.
            started: When the run began, in seconds since 1970.
            clock: The time.
        """
        self._logger = logger
        self._clock = clock or Clock()
        self.started = started
        self._spoke = self._clock.monotonic()
        self._streams: dict[str, StreamProgress] = {}

    def of(self, stream: str) -> StreamProgress:
        """Return the progress of one stream."""
        return self._streams.setdefault(stream, StreamProgress(stream, self._clock))

    @property
    def streams(self) -> list[StreamProgress]:
        """The streams of the run that have begun."""
        return list(self._streams.values())

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return self._clock.time() - self.started

    def total(self, what: str) -> int:
        """Return the sum of a number (`records` …) over all streams, or how many have a flag (`complete` …) set."""
        return sum(getattr(each, what) for each in self.streams)

    def tick(self) -> None:
        """Log a line if one is due."""
        now = self._clock.monotonic()
        if now - self._spoke < INTERVAL:
            return
        self._spoke = now
        records, pages = self.total("records"), self.total("pages")
        text = f"{records:,} records in {pages:,} pages, {records / self.seconds:,.0f} records/s"
        longest = max(self.streams, key=lambda each: each.seconds_left, default=None)
        if longest is not None and longest.seconds_left:
            share = longest.seen / max(longest.seen, longest.expected or 0)
            text += f"; slowest stream {longest.name}: {share:.0%}, about {_duration(longest.seconds_left)} left"
        self._logger.info("Loading: %s", text)

    def summarize(self, counts: Counter[str]) -> None:
        """Log the totals of the run, for people and as SDK metrics."""
        streams, records, tombstones = (self.total(what) for what in ("complete", "records", "tombstones"))
        seconds = self.seconds
        self._logger.info(
            "Totals: %d streams complete, %d reloaded, %s records, %s tombstones, %s requests (%s retries), "
            "%s received, in %s",
            streams,
            self.total("reloaded"),
            f"{records:,}",
            f"{tombstones:,}",
            f"{counts['requests']:,}",
            f"{counts['retries']:,}",
            _size(counts["bytes"]),
            _duration(seconds),
        )
        for kind, metric, value, tags in (
            ("counter", Metric.RECORD_COUNT, records, {"streams": streams, "tombstones": tombstones}),
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
