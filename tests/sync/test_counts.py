"""How many items are published: a count stands only if nothing was edited meanwhile."""

from __future__ import annotations

import logging

from tap_contentstack.errors import (
    TimeIsUpError,
)
from tests.sync.hand_made import delta_run, item, page

TIME_IS_UP = TimeIsUpError("over")


def test_a_count_stands_if_following_the_token_brings_nothing():
    run = delta_run(page(sync="s1"))
    run.counted = [{"en-us": 2}]
    assert run.go().log == ["complete s1", "complete s1", "published {'en-us': 2}"]
    assert run.feed.asked == ["s0", "count en-us, fr-fr", "s1"]


def test_items_that_are_edited_while_they_are_counted_are_counted_again():
    run = delta_run(page(sync="s1"))
    run.feed.deltas.append([page(item("published", "a"), sync="s2")])
    run.counted = [{"en-us": 2}, {"en-us": 3}]
    log = run.go().log
    assert [each for each in log if "published" in each] == ["published {'en-us': 3}"]
    assert run.feed.asked == ["s0", "count en-us, fr-fr", "s1", "count en-us, fr-fr", "s2"]


def test_items_that_are_edited_all_the_time_are_not_counted(caplog):
    caplog.set_level(logging.INFO)
    run = delta_run(page(sync="s1"))
    run.feed.deltas += [[page(item("published", "a"), sync=f"s{number}")] for number in (2, 3)]
    run.counted = [{"en-us": 2}, {"en-us": 3}]
    log = run.go().log
    assert not [each for each in log if "published" in each]
    assert "kept changing while they were counted" in caplog.text


def test_a_count_that_the_time_is_not_enough_for_leaves_the_stream_complete():
    run = delta_run(page(sync="s1"))
    run.feed.deltas.append([TIME_IS_UP])
    run.counted = [{"en-us": 2}]
    assert run.go().log == ["complete s1"]
