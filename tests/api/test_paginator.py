"""Following the tokens of one pass."""

from __future__ import annotations

import pytest
from msgspec import Raw

from tap_contentstack.api.page import Page, RawItem
from tap_contentstack.api.paginator import SyncPaginator
from tap_contentstack.errors import TokenRefusedError

INIT = {"init": "true", "type": "entry_published", "locale": "en-us"}


def test_filters_are_sent_with_the_first_request_alone():
    paginator = SyncPaginator(INIT)
    assert paginator.current_value == INIT
    paginator.follow(Page([RawItem()], pagination_token="p1"))
    assert paginator.current_value == {"pagination_token": "p1"}
    assert not paginator.finished


@pytest.mark.parametrize("start", [INIT, {"sync_token": "s1"}, {"pagination_token": "p0"}])
def test_the_page_with_the_sync_token_is_the_last(start):
    paginator = SyncPaginator(start)
    paginator.follow(Page([RawItem()], pagination_token="p1"))
    paginator.follow(Page([], sync_token="s2"))
    assert paginator.finished


def test_an_empty_page_with_a_token_is_not_the_end():
    paginator = SyncPaginator(INIT)
    for token in ("p1", "p2", "p3"):
        paginator.follow(Page([], pagination_token=token))
        assert not paginator.finished
        assert paginator.current_value == {"pagination_token": token}


def test_the_same_sync_token_again_is_no_loop():
    paginator = SyncPaginator({"sync_token": "s1"})
    paginator.follow(Page([], sync_token="s1"))
    assert paginator.finished


def test_a_page_that_names_itself_as_the_next_one_leads_nowhere():
    paginator = SyncPaginator(INIT)
    paginator.follow(Page([RawItem()], pagination_token="p1"))
    with pytest.raises(TokenRefusedError, match="pages do not end"):
        paginator.follow(Page([RawItem()], pagination_token="p1"))


def follow(start: dict[str, str], *pages: Page) -> None:
    paginator = SyncPaginator(start)
    for page in pages:
        paginator.follow(page)


CIRCLES = {
    "A, B, A": ["A", "B"],
    "A, B, B": ["A", "B", "B"],
    "A, B, C, A": ["A", "B", "C"],
    "a long one": [f"p{number}" for number in range(40)],
}


@pytest.mark.parametrize("tokens", CIRCLES.values(), ids=CIRCLES)
@pytest.mark.parametrize("start", [INIT, {"sync_token": "s1"}, {"pagination_token": "p0"}])
def test_tokens_that_lead_in_a_circle_lead_nowhere(start, tokens):
    with pytest.raises(TokenRefusedError, match="followed by an earlier one"):
        follow(start, *(Page([RawItem(event_at=token)], pagination_token=token) for token in tokens * 4))


def test_empty_pages_without_end_lead_nowhere():
    with pytest.raises(TokenRefusedError, match="50 pages in a row are empty"):
        follow(INIT, *(Page([], pagination_token=f"p{number}", total_count=3) for number in range(51)))


def test_far_more_items_than_are_counted_lead_nowhere():
    with pytest.raises(TokenRefusedError, match="hold 300 items, and the API counts 3"):
        follow(INIT, *(Page([RawItem()] * 100, pagination_token=f"p{number}", total_count=3) for number in range(9)))


def test_a_circle_that_is_longer_than_each_run_leads_nowhere_in_the_end():
    page = Page([RawItem()] * 60, pagination_token="p1", total_count=3)
    for seen in (0, 60, 120):
        SyncPaginator({"pagination_token": "p0"}, seen).follow(page)
    with pytest.raises(TokenRefusedError, match="they hold 240 items, and the API counts 3"):
        SyncPaginator({"pagination_token": "p0"}, 180).follow(page)


def test_a_long_pass_is_no_circle():
    paginator = SyncPaginator(INIT)
    for number in range(3000):
        items = [RawItem(data=Raw(b"%d" % (number * 100 + place))) for place in range(100)]
        paginator.follow(Page(items, pagination_token=f"p{number}", total_count=300_000))
    assert not paginator.finished


@pytest.mark.parametrize("length", [1, 2, 7])
def test_the_same_items_again_and_again_lead_nowhere_though_their_tokens_are_new(length):
    pages = [
        Page([RawItem(data=Raw(b"%d" % (number % length)))] * 100, pagination_token=f"p{number}")
        for number in range(1000)
    ]
    with pytest.raises(TokenRefusedError, match="50 pages repeat others"):
        follow({"sync_token": "s1"}, *pages)


def test_tiny_pages_that_happen_to_be_alike_are_no_circle():
    pages = [Page([RawItem()], pagination_token=f"p{number}") for number in range(40)]
    follow({"sync_token": "s1"}, *pages)
