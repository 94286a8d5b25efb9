"""What a long run says while it lasts, and at its end."""

from __future__ import annotations

import json
import logging
from collections import Counter

import pytest

from tap_contentstack.sync.progress import INTERVAL, Progress, StreamProgress
from tests.model.clock import Clock as ModelClock

LOGGER = logging.getLogger("test")


class Clock(ModelClock):
    """Both clocks of a run, which go as told."""

    def __init__(self) -> None:
        self.now = 0.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock) -> Progress:
    return Progress(LOGGER, 0, clock)


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, "test")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "test"]


def begun(progress: Progress, name: str, *, seen: int, expected: int | None, records: int = 0) -> StreamProgress:
    stream = progress.of(name)
    stream.begin_pass()
    stream.add_page(seen, expected)
    stream.records += records
    return stream


def test_a_line_comes_at_most_every_ten_seconds(progress, clock, lines):
    for second in range(35):
        clock.now = second
        progress.tick()
    assert len(lines()) == 3
    assert INTERVAL == 10


def test_a_line_tells_how_long_the_stream_that_needs_longest_will_take(progress, clock, lines):
    begun(progress, "small", seen=1000, expected=2000, records=1000)
    begun(progress, "large", seen=1000, expected=6000, records=1000)
    clock.now = 10
    progress.tick()
    assert lines() == ["Loading: 2,000 records in 2 pages, 200 records/s; slowest stream large: 17%, about 50.0 s left"]


def test_a_pass_that_restarts_is_counted_from_its_beginning(progress, clock, lines):
    begun(progress, "a", seen=9000, expected=10_000)
    clock.now = 9
    begun(progress, "a", seen=100, expected=10_000)
    clock.now = 10
    progress.tick()
    assert "slowest stream a: 1%, about 1 min 39 s left" in lines()[0]


def test_a_stream_that_is_complete_needs_no_more_time(progress, clock, lines):
    begun(progress, "a", seen=100, expected=10_000).complete = True
    clock.now = 10
    progress.tick()
    assert "slowest stream" not in lines()[0]


@pytest.mark.parametrize(("seen", "total"), [(100, 0), (100, -50), (100, 50), (0, 0), (0, 100), (100, None)])
def test_counts_of_the_api_that_are_wrong_end_nothing(progress, clock, lines, seen, total):
    begun(progress, "a", seen=seen, expected=total)
    clock.now = 10
    progress.tick()
    assert "slowest stream" not in lines()[0]


def test_the_median_of_the_seconds_a_page_is_not_moved_by_one_slow_page(progress, clock):
    stream = progress.of("a")
    stream.begin_pass()
    for seconds in (1, 2, 90):
        clock.now += seconds
        stream.add_page(1, None)
    assert stream.median_page_seconds == 2


def test_the_last_line_counts_from_the_beginning_of_the_run(progress, clock, lines):
    first, second = progress.of("a"), progress.of("b")
    first.complete = second.complete = first.reloaded = True
    first.records, second.tombstones = 1234, 5
    clock.now = 3725
    progress.summarize(Counter(requests=40, retries=2, bytes=1_500_000))
    (line,) = lines()
    assert line == (
        "Totals: 2 streams complete, 1 reloaded, 1,234 records, 5 tombstones, "
        "40 requests (2 retries), 1.5 MB received, in 1 h 2 min"
    )


def test_the_last_line_is_there_as_metrics_of_the_sdk_too(progress, clock, caplog):
    caplog.set_level(logging.INFO, "singer_sdk.metrics")
    first, second = progress.of("a"), progress.of("b")
    first.complete = second.complete = True
    first.records, second.tombstones = 1234, 5
    clock.now = 8
    progress.summarize(Counter(requests=40, retries=2, bytes=1_500_000))
    points = [
        json.loads(record.getMessage().removeprefix("METRIC: "))
        for record in caplog.records
        if "METRIC" in record.getMessage()
    ]
    assert points == [
        {"type": "counter", "metric": "record_count", "value": 1234, "tags": {"streams": 2, "tombstones": 5}},
        {"type": "counter", "metric": "http_request_count", "value": 40, "tags": {"retries": 2, "bytes": 1_500_000}},
        {"type": "timer", "metric": "job_duration", "value": 8, "tags": {}},
    ]
