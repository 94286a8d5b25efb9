"""When the state may name a new version."""

from __future__ import annotations

from tap_contentstack.sync.state import State
from tap_contentstack.values.clock import Clock
from tests.sync.hand_made import LOGGER


class StoppedClock(Clock):
    """Stands still, and notes what is slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def time(self) -> float:
        return 100.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def test_a_version_is_waited_for_only_if_it_is_near():
    clock = StoppedClock()
    state = State({}, lambda _: None, LOGGER, started=99.0, clock=clock)
    for version in (99, 101, 1000, None):
        state.wait_for(version)
    assert clock.slept == [1.0]
