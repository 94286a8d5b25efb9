"""Once a run's time is over nothing more is asked, but each run reads at least one page."""

from __future__ import annotations

import logging

import pytest

from sandbox import Fault
from tap_contentstack.api.client import Client
from tap_contentstack.api.feed import Feed
from tap_contentstack.api.throttle import Throttle
from tap_contentstack.api.time_limit import GRACE, TimeLimit
from tap_contentstack.errors import TimeIsUpError
from tests.model.clock import Clock
from tests.settings import read_settings


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begun(clock: Clock, seconds: float | None, *, pages: int = 1, ago: float = 0.0) -> TimeLimit:
    time_limit = TimeLimit(seconds, started=clock.now - ago, clock=clock)
    for _ in range(pages):
        time_limit.note_page()
    return time_limit


def test_a_run_without_a_box_may_take_any_time(clock):
    time_limit = begun(clock, None)
    clock.now += 1e9
    time_limit.check()
    time_limit.sleep(1e9)


def test_the_time_counts_from_the_start_of_the_process(clock):
    time_limit = begun(clock, 10, ago=9)
    time_limit.check()
    clock.now += 1
    with pytest.raises(TimeIsUpError, match=r"max_run_seconds \(10\) has elapsed"):
        time_limit.check()


def test_a_wait_that_would_end_too_late_does_not_begin(clock):
    time_limit, before = begun(clock, 10), clock.now
    time_limit.sleep(9)
    with pytest.raises(TimeIsUpError):
        time_limit.sleep(2)
    assert clock.now == before + 9


def test_the_first_page_may_be_asked_for_at_any_time(clock):
    time_limit = begun(clock, 10, pages=0)
    clock.now += 50
    time_limit.check()
    time_limit.note_page()
    with pytest.raises(TimeIsUpError):
        time_limit.check()


def test_a_wait_for_the_first_page_may_be_a_little_late_and_no_more(clock):
    time_limit = begun(clock, 10, pages=0)
    time_limit.sleep(10 + GRACE / 2)
    with pytest.raises(TimeIsUpError):
        time_limit.sleep(GRACE)


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_before_another_attempt_does_not_outlast_the_box(sandbox, status):
    sandbox.faults.add(Fault(status=status, retry_after=60, times=None))
    clock = Clock()
    time_limit = begun(clock, 30)
    throttle = Throttle(clock=clock.monotonic, sleep=time_limit.sleep)
    client = Client(read_settings(sandbox.settings), throttle, logging.getLogger("test"), time_limit)
    with pytest.raises(TimeIsUpError):
        Feed(client, purpose="x", filters={}).size()
    assert len(sandbox.requests) == 1


def test_no_page_is_asked_ahead_once_the_time_is_over(sandbox):
    sandbox.page_size = 1
    clock = Clock()
    time_limit = begun(clock, 30)
    client = Client(read_settings(sandbox.settings), Throttle(), logging.getLogger("test"), time_limit)
    pages = Feed(client, purpose="x", filters={"type": "entry_published"}).initial_pass()
    next(pages)
    clock.now += 31  # the second page is on its way
    next(pages)
    with pytest.raises(TimeIsUpError):
        next(pages)
    assert len(sandbox.requests) == 2
