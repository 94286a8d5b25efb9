"""The clock by which a run is timed, waits and is recorded; a test can replace it."""

from __future__ import annotations

import datetime as dt
import time


class Clock:
    """The machine's clock."""

    def time(self) -> float:
        """Return the seconds since 1970."""
        return time.time()

    def utc(self) -> str:
        """Return the time as a text in UTC, to the second."""
        return dt.datetime.fromtimestamp(self.time(), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def monotonic(self) -> float:
        """Return seconds that never decrease, counted from an arbitrary point."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
