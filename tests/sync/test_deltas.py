"""What a delta writes, when its bookmark moves, and what a deleted content type makes of it."""

from __future__ import annotations

import pytest

from tap_contentstack.errors import (
    ApiError,
    NotFoundError,
)
from tap_contentstack.sync.interruptions import ContentTypeGoneError
from tests.sync.hand_made import EVENING, MORNING, NOON, delta_run, item, page


@pytest.mark.parametrize("turned", [False, True], ids=["newest first", "oldest first"])
def test_of_a_key_the_newest_event_is_what_stays(turned):
    items = [
        item("published", "a", at=EVENING, title="last"),
        item("unpublished", "a", at=NOON),
        item("published", "a", at=MORNING, title="first"),
    ]
    table = delta_run(page(*(items[::-1] if turned else items), total=3, sync="s1")).go()
    assert table.rows[-1] == ("a", "en-us", "last")
    assert len(table.rows) == (3 if turned else 1)


def test_an_older_row_does_not_come_back_after_its_tombstone():
    run = delta_run(
        page(item("unpublished", "a", at=EVENING), more="p1"), page(item("published", "a", at=NOON), sync="s1")
    )
    assert run.go().rows == [("a", "en-us", "deleted")]


def test_the_bookmark_moves_only_when_the_delta_is_complete():
    run = delta_run(page(item("published", "a"), more="p1"), ApiError("down"))
    with pytest.raises(ApiError):
        run.go()
    assert run.table.log == [("a", "en-us", None)]
    assert run.bookmark.sync_token == "s0"
    assert run.bookmark.pagination_token is None


def test_locales_that_a_delta_brings_are_remembered():
    run = delta_run(page(item("published", "a", "de-de"), sync="s1"), locales=["en-us"])
    run.go()
    assert run.bookmark.locales == ["de-de", "en-us"]


def test_a_delta_of_a_stream_with_rows_releases_the_brake():
    run = delta_run(page(sync="s0"))
    run.brake.pull()
    run.go()
    assert not run.brake.holds


def test_a_deleted_content_type_ends_the_stream_or_starts_it_over():
    run = delta_run(page(item("content_type_deleted", ""), sync="s1"), exists=False)
    with pytest.raises(ContentTypeGoneError):
        run.go()
    run = delta_run(page(item("content_type_deleted", ""), sync="s1"), initial=[[page(sync="s2")]])
    assert run.go().log == ["begin", "sweep complete s2", "complete s2"]


def test_the_deletion_of_a_content_type_that_is_not_named_is_that_of_the_stream():
    deleted = item("content_type_deleted", "")
    deleted.content_type_uid = ""
    run = delta_run(page(deleted, sync="s1"), initial=[[page(sync="s2")]])
    run.go()
    assert run.asked_whether_gone == ["page"]


def test_a_second_deletion_of_the_content_type_is_left_to_the_next_run():
    again = [page(item("content_type_deleted", ""), sync="s3")]
    run = delta_run(page(item("content_type_deleted", ""), sync="s1"), initial=[[page(sync="s2")]])
    run.feed.deltas.append(again)
    run.go()
    assert run.bookmark.sync_token == "s2"


def test_a_type_that_is_not_found_ends_the_stream_only_if_it_is_gone():
    for exists, error in ((False, ContentTypeGoneError), (True, NotFoundError)):
        with pytest.raises(error):
            delta_run(NotFoundError("118"), exists=exists).go()
