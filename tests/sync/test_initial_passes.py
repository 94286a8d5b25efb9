"""What an initial pass writes, and where its bookmark stands on the way and at its end."""

from __future__ import annotations

import pytest

from tap_contentstack.sync import passes as passes_module
from tap_contentstack.sync.bookmarks import Bookmark
from tap_contentstack.sync.interruptions import PostponedError
from tests.sync.hand_made import HandMadeFeed, Run, item, page


def test_an_initial_pass_keeps_a_checkpoint_a_page_and_its_token_after_the_sweep():
    feed = HandMadeFeed(
        initial=[
            [
                page(item("published", "a", title="A"), total=2, more="p1"),
                page(item("published", "b", title="B"), total=2, sync="s1"),
            ]
        ]
    )
    table = Run(feed).go()
    assert table.log == [
        ("a", "en-us", "A"),
        "checkpoint p1 1",
        ("b", "en-us", "B"),
        "sweep complete s1",
        "complete s1",
    ]
    assert feed.asked == ["init", "s1"]


def test_history_in_an_initial_pass_makes_no_records_but_counts():
    feed = HandMadeFeed(
        initial=[[page(item("deleted", "a"), item("published", "b"), item("unpublished", "b"), total=3, sync="s1")]]
    )
    assert Run(feed).go().rows == [("b", "en-us", None)]


def test_a_resumed_pass_goes_on_counting_from_its_checkpoint():
    feed = HandMadeFeed(resumed=[[page(item("published", "b"), total=3, sync="s1")]])
    run = Run(feed, Bookmark(pagination_token="p1", items_seen=2, version=1, scope="scope"))
    assert "begin" not in run.go().log
    assert feed.asked == ["p1", "s1"]


def test_edits_made_meanwhile_are_followed_until_a_delta_is_empty():
    feed = HandMadeFeed(
        initial=[[page(item("published", "a", title="old"), sync="s1")]],
        deltas=[[page(item("published", "a", title="new"), total=1, sync="s2")], [page(sync="s2")]],
    )
    table = Run(feed).go()
    assert feed.asked == ["init", "s1", "s2"]
    assert table.log[-3:] == [("a", "en-us", "new"), "complete s2", "complete s2"]


def test_a_stack_that_never_rests_is_left_to_the_next_run():
    busy = [[page(item("published", "a"), sync=f"s{number}")] for number in range(2, 50)]
    feed = HandMadeFeed(initial=[[page(sync="s1")]], deltas=busy)
    Run(feed).go()
    assert len(feed.asked) == 1 + passes_module.FOLLOW_ROUNDS


def test_a_connection_test_reads_one_page_and_moves_nothing():
    feed = HandMadeFeed(initial=[[page(item("published", "a"), item("published", "b"), more="p1"), AssertionError()]])
    run = Run(feed, limit=1)
    assert run.go().log == [("a", "en-us", None)]
    assert run.bookmark.sync_token is run.bookmark.pagination_token is None


def test_a_pass_that_lists_nothing_waits_with_its_sweep_while_the_brake_holds():
    run = Run(HandMadeFeed(initial=[[page(total=0, sync="s1")]]))
    run.brake.pull()
    with pytest.raises(PostponedError):
        run.go()
    assert run.bookmark.sync_token is None
