"""What a long run says while it lasts, and at its end."""

from __future__ import annotations

import json
import logging
from collections import Counter

import pytest

from tap_contentstack.sync import progress as module
from tap_contentstack.sync.progress import INTERVAL, Progress

LOGGER = logging.getLogger("test")


class Clock:
    """Both clocks of a run, which go as told."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now

    monotonic = time


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, "test")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "test"]


def test_a_line_comes_at_most_every_ten_seconds(clock, lines):
    progress = Progress(LOGGER, 0)
    for second in range(35):
        clock.now = second
        progress.tick()
    assert len(lines()) == 3
    assert INTERVAL == 10


def test_a_line_tells_how_far_all_streams_are_together(clock, lines):
    progress = Progress(LOGGER, 0)
    progress.add(pages=20, records=2000)
    progress.note("a", 1000, 2000)
    progress.note("b", 1000, 6000)
    clock.now = 10
    progress.tick()
    (line,) = lines()
    assert line == (
        "Loading: 2,000 records in 20 pages, 200 records/s; 25% of what was counted so far, about 30.0 s left"
    )


def test_a_pass_that_starts_over_is_counted_from_its_beginning(clock, lines):
    progress = Progress(LOGGER, 0)
    progress.note("a", 9000, 10_000)
    progress.note("a", 100, 10_000)
    clock.now = 10
    progress.tick()
    assert "; 1% of what" in lines()[0]


@pytest.mark.parametrize(("seen", "total"), [(100, 0), (100, -50), (100, 50), (0, 0), (0, 100)])
def test_counts_of_the_api_that_are_wrong_end_nothing(clock, lines, seen, total):
    progress = Progress(LOGGER, 0)
    progress.note("a", seen, total)
    clock.now = 10
    progress.tick()
    assert ("100%" in lines()[0]) == (seen > 0)


def test_the_summary_counts_from_the_beginning_of_the_run(clock, lines):
    progress = Progress(LOGGER, 0)
    progress.add(streams=2, pages=3, records=1234, tombstones=5)
    clock.now = 3725
    progress.summarize(Counter(requests=40, retries=2, bytes=1_500_000))
    assert lines() == [
        "Done: 2 streams, 1,234 records, 5 tombstones, 40 requests (2 retries), 1.5 MB received, in 1 h 2 min"
    ]


def test_the_summary_is_there_as_metrics_of_the_sdk_too(clock, caplog):
    caplog.set_level(logging.INFO, "singer_sdk.metrics")
    progress = Progress(LOGGER, 0)
    progress.add(streams=2, records=1234, tombstones=5)
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
