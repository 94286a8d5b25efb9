"""Where passes stay when the time limit is over, and what the next run makes of it."""

from __future__ import annotations

import contextlib
import typing as t
from types import SimpleNamespace

import pytest

from tap_contentstack.errors import ApiError, TimeIsUpError
from tap_contentstack.sync.bookmarks import Bookmark
from tap_contentstack.sync.initial_pass import InitialPass
from tests.sync.hand_made import HandMadeFeed, NotedTable, Run, delta_run, item, page

TIME_IS_UP = TimeIsUpError("over")


def test_an_initial_pass_that_is_cut_short_stays_at_its_last_page():
    run = Run(HandMadeFeed(initial=[[page(item("published", "a"), total=2, more="p1"), TIME_IS_UP]]))
    with pytest.raises(TimeIsUpError):
        run.go()
    assert (run.bookmark.pagination_token, run.bookmark.items_seen) == ("p1", 1)
    assert run.bookmark.served_at
    assert "begin" not in run.table.log


def test_records_that_are_held_back_go_out_with_their_checkpoint():
    run = Run(HandMadeFeed(initial=[[page(item("published", "a"), total=2, more="p1"), TIME_IS_UP]]))
    run.table.holds_back = True
    with pytest.raises(TimeIsUpError):
        run.go()
    assert run.table.log == [("a", "en-us", None), "finish", "checkpoint p1 1"]


def test_records_that_are_held_back_go_out_where_a_page_fails_for_good():
    run = Run(HandMadeFeed(initial=[[page(item("published", "a"), total=2, more="p1"), ApiError("down")]]))
    run.table.holds_back = True
    with pytest.raises(ApiError):
        run.go()
    assert run.table.log == [("a", "en-us", None), "finish", "checkpoint p1 1"]


@pytest.mark.parametrize(("version", "expected"), [(7, ("p1", 1)), (8, (None, 0))], ids=["the same", "a restart since"])
def test_a_checkpoint_that_is_held_back_is_of_one_version(version, expected):
    bookmark = Bookmark(version=version)
    load: t.Any = SimpleNamespace(lock=contextlib.nullcontext(), table=NotedTable(bookmark), advance=bookmark.advance)
    load.bookmark = bookmark
    InitialPass(load, (7, "p1", 1)).leave()
    assert (bookmark.pagination_token, bookmark.items_seen) == expected


def test_a_delta_that_a_whole_box_was_not_enough_for_becomes_an_initial_pass(caplog):
    run = delta_run(page(item("published", "a"), more="p1"), TIME_IS_UP)
    run.has_all_time = True
    with pytest.raises(TimeIsUpError):
        run.go()
    assert run.table.log == [("a", "en-us", None), "begin"]
    assert "did not fit into a whole time limit" in caplog.text


def test_a_delta_of_another_number_than_counted_may_be_read_again_by_the_next_run(caplog):
    miscounted = page(item("published", "a"), total=2, sync="s1")
    run = delta_run(miscounted)
    run.has_all_time = True
    run.feed.deltas.append([TIME_IS_UP])
    with pytest.raises(TimeIsUpError):
        run.go()
    assert "begin" not in run.table.log
    assert run.bookmark.sync_token == "s0"
    assert run.bookmark.restarts
    second = delta_run(miscounted)
    second.bookmark = run.bookmark
    second.table.bookmark = run.bookmark
    second.go()
    assert second.feed.asked == ["s0"]
    assert "The API reported 2 changes but returned 1, twice" in caplog.text
    assert (run.bookmark.sync_token, run.bookmark.restarts) == ("s1", [])


@pytest.mark.parametrize("pages", [[page(item("published", "a"), more="p1"), TIME_IS_UP], [TIME_IS_UP]])
def test_a_delta_that_began_late_or_not_at_all_begins_again_in_the_next_run(pages):
    run = delta_run(*pages)
    run.has_all_time = len(pages) == 1
    with pytest.raises(TimeIsUpError):
        run.go()
    assert "begin" not in run.table.log
    assert (run.bookmark.sync_token, run.bookmark.served_at) == ("s0", None)


def test_a_delta_after_the_initial_pass_may_be_cut_short_without_a_restart():
    feed = HandMadeFeed(
        initial=[[page(item("published", "a"), sync="s1")]],
        deltas=[[page(item("published", "b"), more="p1"), TIME_IS_UP]],
    )
    run = Run(feed, has_all_time=True)
    with pytest.raises(TimeIsUpError):
        run.go()
    assert "begin" not in run.table.log
    assert run.bookmark.sync_token == "s1"
