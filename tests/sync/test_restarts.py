"""What makes a pass start over or a delta be read again: tokens that are refused, and counts that do not fit."""

from __future__ import annotations

import pytest

from tap_contentstack.errors import (
    TapError,
    TokenRefusedError,
)
from tap_contentstack.sync.bookmarks import Bookmark
from tests.sync.hand_made import HandMadeFeed, Run, delta_run, item, page


def test_a_count_that_does_not_fit_starts_over_once_and_then_goes_on(caplog):
    short = [page(item("published", "a"), total=2, sync="s1")]
    table = Run(HandMadeFeed(initial=[short, short])).go()
    assert table.log == ["begin", ("a", "en-us", None), "sweep complete s1", "complete s1"]
    assert "its pages did not hold as many items as the API counts: 1 instead of 2" in caplog.text
    assert "reported 2 items but returned 1, twice" in caplog.text


def test_a_count_that_only_the_first_page_has_is_compared_all_the_same(caplog):
    short = [page(item("published", "a"), total=3, more="p1"), page(item("published", "b"), sync="s1")]
    whole = [page(item("published", "a"), total=2, more="p1"), page(item("published", "b"), sync="s1")]
    Run(HandMadeFeed(initial=[short, whole])).go()
    assert "its pages did not hold as many items as the API counts: 2 instead of 3" in caplog.text


def test_a_count_that_changes_between_pages_restarts_the_pass_once():
    shifted = [page(item("published", "a"), total=3, more="p1"), page(item("published", "b"), total=2, sync="s1")]
    feed = HandMadeFeed(initial=[shifted, [page(item("published", "a"), item("published", "c"), total=2, sync="s2")]])
    table = Run(feed).go()
    assert table.log.count("begin") == 1
    assert "sweep complete s2" in table.log


def test_a_count_that_changed_before_a_resume_restarts_the_pass_too():
    bookmark = Bookmark(pagination_token="p1", items_seen=1, items_total=3, version=1, scope="scope")
    feed = HandMadeFeed(
        resumed=[[page(item("published", "b"), total=2, sync="s1")]],
        initial=[[page(item("published", "b"), item("published", "c"), total=2, sync="s2")]],
    )
    assert Run(feed, bookmark).go().log[0] == "begin"
    assert bookmark.restarts == []


def test_a_pass_restarts_for_a_reason_once_over_all_runs(caplog):
    bookmark = Bookmark(
        pagination_token="p1", items_seen=1, items_total=3, restarts=["COUNT"], version=1, scope="scope"
    )
    feed = HandMadeFeed(resumed=[[page(item("published", "b"), total=3, sync="s1")]])
    assert "begin" not in Run(feed, bookmark).go().log
    assert "reported 3 items but returned 2, twice" in caplog.text
    assert bookmark.restarts == []


def test_a_refused_pagination_token_starts_over_once():
    feed = HandMadeFeed(resumed=[[TokenRefusedError("no")]], initial=[[page(item("published", "a"), sync="s1")]])
    table = Run(feed, Bookmark(pagination_token="p1", version=1, scope="scope")).go()
    assert table.log[0] == "begin"
    assert feed.asked == ["p1", "init", "s1"]


def test_tokens_that_are_refused_again_and_again_end_the_stream():
    refused = [page(item("published", "a"), more="p1"), TokenRefusedError("no")]
    feed = HandMadeFeed(initial=[list(refused), list(refused), list(refused)])
    with pytest.raises(TapError, match="restarted, but the reason is still there"):
        Run(feed).go()
    assert feed.asked == ["init", "init"]


def test_a_token_that_is_refused_again_in_a_later_run_is_an_error_and_the_next_run_begins_afresh():
    bookmark = Bookmark(pagination_token="p1", items_seen=1, restarts=["TOKEN"], version=1, scope="scope")
    feed = HandMadeFeed(resumed=[[TokenRefusedError("no")]])
    with pytest.raises(TapError, match="the reason is still there"):
        Run(feed, bookmark).go()
    assert (bookmark.pagination_token, bookmark.restarts) == (None, [])


def test_a_refused_page_reads_the_delta_again_before_it_starts_over():
    broken = [page(item("published", "a", title="A"), more="p1"), TokenRefusedError("no")]
    run = delta_run()
    run.feed.deltas = [broken, [page(item("published", "a", title="A"), sync="s1")]]
    table = run.go()
    assert "begin" not in table.log
    assert run.feed.asked == ["s0", "s0"]
    run = delta_run(initial=[[page(sync="s2")]])
    run.feed.deltas = [list(broken), list(broken)]
    assert "begin" in run.go().log


def test_a_refused_sync_token_starts_over_at_once():
    run = delta_run(TokenRefusedError("no"), initial=[[page(item("published", "a"), sync="s9")]])
    assert run.go().log == ["begin", ("a", "en-us", None), "sweep complete s9", "complete s9"]


def test_a_delta_whose_count_does_not_fit_is_read_again_once(caplog):
    short = [page(item("published", "a"), total=2, sync="s1")]
    run = delta_run()
    run.feed.deltas = [list(short), list(short)]
    assert run.go().log[-1] == "complete s1"
    assert run.feed.asked == ["s0", "s0"]
    assert "reported 2 changes but returned 1, twice" in caplog.text


def test_a_delta_whose_count_changes_is_read_again():
    shifted = [page(item("published", "a"), total=2, more="p1"), page(item("published", "b"), total=1, sync="s1")]
    whole = [page(item("published", "a"), item("published", "b"), total=2, sync="s2")]
    run = delta_run()
    run.feed.deltas = [shifted, whole]
    assert run.go().log[-1] == "complete s2"


def test_a_delta_that_was_refused_and_then_short_is_read_until_it_is_whole():
    refused = [page(item("published", "a"), more="p1"), TokenRefusedError("no")]
    short = [page(item("published", "a"), total=2, sync="s1")]
    whole = [page(item("published", "a"), item("unpublished", "b"), total=2, sync="s1")]
    run = delta_run()
    run.feed.deltas = [refused, short, whole]
    assert set(run.go().rows) == {("a", "en-us", None), ("b", "en-us", "deleted")}
    assert run.feed.asked == ["s0", "s0", "s0"]
