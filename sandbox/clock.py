"""The clock of events: whole milliseconds that never repeat."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def wall_clock() -> int:
    """Return the real time in milliseconds."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def iso(milliseconds: int) -> str:
    """Write a time as the API does: UTC, milliseconds, `Z`."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_second(seconds)}.{rest:03}Z"


def parse(text: str) -> int:
    """Read an ISO date or time; one without an offset is UTC.

    Raises:
        ValueError: It is not an ISO date.
    """
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


class Clock:
    """A clock that moves on by at least a millisecond each time that it is read."""

    def __init__(self, source: Callable[[], int] = wall_clock) -> None:
        """Take the time from `source`, in milliseconds."""
        self.source = source
        self._last = 0

    def tick(self) -> int:
        """Return the time now, later than any returned before."""
        self._last = max(self.source(), self._last + 1)
        return self._last
