"""A clock that only moves when it is told to, or when somebody sleeps."""

from __future__ import annotations

import time

from tap_contentstack.values.clock import Clock as TapClock

BEGINNING = 1_800_000_000.0


class Clock(TapClock):
    """The time of the stack, the API and the tap."""

    def __init__(self) -> None:
        self.now = BEGINNING

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.0)

    def milliseconds(self) -> int:
        return int(self.now * 1000)


class RealClock(Clock):
    """The time of day, for runs in processes of their own."""

    def milliseconds(self) -> int:
        return time.time_ns() // 1_000_000
