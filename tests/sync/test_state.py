"""The state: when it may name a new version, and which content types its bookmarks are for."""

from __future__ import annotations

import pytest

from tap_contentstack.schema.names import stream_name
from tap_contentstack.sync.state import State, content_type_of
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


@pytest.mark.parametrize("uid", ["blog", "Page-Old", "a.b", "straße", "x" * 80])
def test_a_bookmark_is_for_the_content_type_that_its_stream_is_named_after(uid):
    assert content_type_of(stream_name(uid), {"content_type_uid": uid}) == uid


@pytest.mark.parametrize("damage", ["another", "", 5, None])
def test_where_a_bookmark_is_damaged_the_name_of_the_stream_tells(damage):
    assert content_type_of("entries_blog", {"content_type_uid": damage}) == "blog"
    assert content_type_of("entries_blog", damage) == "blog"
    for other in ("assets", "entries", "loads", "entries_", "entries_a.b"):
        assert content_type_of(other, {"content_type_uid": damage}) is None
