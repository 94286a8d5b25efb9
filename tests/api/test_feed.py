"""What one stream asks of the API."""

from __future__ import annotations

import json
import logging
import time
import typing as t
from types import SimpleNamespace

import pytest

from sandbox import Behaviour, Fault, Sandbox, Stack
from tap_contentstack.api.client import Client
from tap_contentstack.api.feed import Feed
from tap_contentstack.api.throttle import Throttle
from tap_contentstack.api.time_limit import TimeLimit
from tap_contentstack.errors import ApiError, NotFoundError, TokenRefusedError
from tap_contentstack.events import ASSETS
from tests.settings import read_settings
from tests.tap_process import wait_until

ITEMS = 7


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    stack = Stack(locales=("en-us", "fr-fr"))
    stack.add_content_type({"uid": "page", "schema": []})
    for number in range(ITEMS):
        stack.publish_entry("page", f"page{number}", {})
    stack.publish_entry("page", "page0", {}, ["fr-fr"])
    stack.publish_asset("asset0", {}, ["fr-fr"])
    with Sandbox(stack, page_size=3) as sandbox:
        yield sandbox


@pytest.fixture
def feed(sandbox) -> Feed:
    client = Client(read_settings({**sandbox.settings, "max_retries": 0}), Throttle(), logging.getLogger("test"))
    filters = {"type": "entry_published", "content_type_uid": "page", "locale": "en-us"}
    return Feed(client, purpose="entries_page", filters=filters)


def test_a_pass_is_all_pages_up_to_the_sync_token(feed):
    pages = list(feed.initial_pass())
    assert [len(page.items) for page in pages] == [3, 3, 1]
    assert [page.total_count for page in pages] == [ITEMS] * 3
    assert [bool(page.sync_token) for page in pages] == [False, False, True]


def test_a_pass_can_be_resumed_from_each_of_its_tokens(feed):
    pages = list(feed.initial_pass())
    for number, page in enumerate(pages[:-1]):
        rest = list(feed.resumed_pass(page.pagination_token))
        assert [each.items for each in rest] == [each.items for each in pages[number + 1 :]]


def test_a_delta_tells_what_happened_since(sandbox, feed):
    token = list(feed.initial_pass())[-1].sync_token
    assert [page.items for page in feed.delta(token)] == [[]]
    sandbox.stack.publish_entry("page", "new", {})
    (page,) = feed.delta(token)
    assert [(item.type, item.content_type_uid) for item in page.items] == [("entry_published", "page")]


def test_the_next_page_is_asked_for_while_one_is_worked_on_and_no_further_one(sandbox, feed):
    sandbox.page_size = 1
    pages = feed.initial_pass()
    next(pages)
    wait_until(lambda: len(sandbox.requests) == 2)
    time.sleep(0.1)
    assert len(sandbox.requests) == 2
    assert len(list(pages)) == ITEMS - 1
    assert len(sandbox.requests) == ITEMS


def test_a_page_that_nobody_wants_any_more_is_not_taken_for_the_next_pass(sandbox, feed):
    sandbox.page_size = 1
    pages = feed.initial_pass()
    first = next(pages)
    pages.close()
    assert next(page.items for page in feed.initial_pass()) == first.items


def test_a_page_that_is_lost_on_its_way_is_asked_for_again_without_a_word(sandbox, feed, caplog):
    sandbox.faults.add(Fault(kind="reset", after=1))
    assert sum(len(page.items) for page in feed.initial_pass()) == ITEMS
    assert not caplog.records


def test_a_page_waits_for_its_turn_where_there_is_a_cap(sandbox):
    settings = read_settings({**sandbox.settings, "max_requests_per_second": 1})
    feed = Feed(Client(settings, Throttle(1), logging.getLogger("test")), purpose="x", filters={})
    pages = feed.initial_pass()
    next(pages)
    assert len(sandbox.requests) == 1
    next(pages)
    assert len(sandbox.requests) == 2


def test_what_a_page_fails_with_comes_when_it_is_its_turn(sandbox, feed):
    sandbox.faults.add(Fault(status=503, after=2))
    pages = feed.initial_pass()
    assert [len(next(pages).items), len(next(pages).items)] == [3, 3]
    with pytest.raises(ApiError, match="503"):
        next(pages)


@pytest.mark.parametrize("empty", [1, 2])
def test_an_empty_token_is_none(empty):
    bodies = [b'{"items":[],"pagination_token":"p%d"}' % number for number in range(empty)]
    bodies.append(b'{"items":[],"pagination_token":"","sync_token":"s"}')
    client: t.Any = SimpleNamespace(
        get=lambda *args, **_: args[2](bodies.pop(0)), prefetch=lambda *_: None, time_limit=TimeLimit()
    )
    pages = list(Feed(client, purpose="x", filters={}).initial_pass())
    assert [page.pagination_token for page in pages] == [*(f"p{number}" for number in range(empty)), None]


def test_a_page_with_both_tokens_is_not_the_last():
    bodies = [b'{"items":[],"pagination_token":"p1","sync_token":"s1"}', b'{"items":[],"sync_token":"s2"}']
    client: t.Any = SimpleNamespace(
        get=lambda *args, **_: args[2](bodies.pop(0)), prefetch=lambda *_: None, time_limit=TimeLimit()
    )
    pages = list(Feed(client, purpose="x", filters={}).initial_pass())
    assert [(page.pagination_token, page.sync_token) for page in pages] == [("p1", None), (None, "s2")]


def test_empty_pages_are_passed_on(sandbox, feed):
    sandbox.behaviour = Behaviour(empty_pages=True)
    pages = list(feed.initial_pass())
    assert sum(len(page.items) for page in pages) == ITEMS
    assert any(not page.items for page in pages)


def test_a_refused_token_and_a_page_without_any_are_errors(sandbox, feed):
    with pytest.raises(TokenRefusedError):
        list(feed.delta("blt-unknown"))
    sandbox.faults.add(Fault(kind="html", status=200))
    with pytest.raises(ApiError, match="something other than the API's JSON"):
        list(feed.initial_pass())


def test_the_size_of_a_pass_costs_its_first_page(sandbox, feed):
    sandbox.page_size = 1
    assert feed.size() == ITEMS
    time.sleep(0.1)
    assert [tuple(request.params) for request in sandbox.requests] == [
        ("init", "type", "content_type_uid", "locale", "environment")
    ]


def test_it_can_be_asked_which_entries_are_still_published(sandbox, feed):
    sandbox.stack.unpublish_entry("page", "page1", "en-us")
    assert feed.still_published("page", "en-us", ["page0", "page1", "nobody"]) == {"page0"}
    assert feed.still_published("page", "fr-fr", ["page0", "page2"]) == {"page0"}
    request = sandbox.requests[0]
    assert request.path == "/v3/content_types/page/entries"
    assert json.loads(request.params["query"])["uid"]["$in"][:3] == ["page0", "page1", "nobody"]
    assert request.params["locale"] == "en-us"


def test_it_can_be_asked_which_assets_are_still_published(feed):
    assert feed.still_published(ASSETS, "fr-fr", ["asset0"]) == {"asset0"}
    assert feed.still_published(ASSETS, "en-us", ["asset0"]) == set()


def test_what_is_still_published_is_never_told_from_a_cache(sandbox, feed):
    sandbox.cdn_seconds = 60
    assert feed.still_published(ASSETS, "fr-fr", ["asset0"]) == {"asset0"}
    sandbox.stack.delete_asset("asset0")  # which purges nothing
    assert feed.still_published(ASSETS, "fr-fr", ["asset0"]) == set()


@pytest.mark.parametrize(
    "body",
    ["{}", '{"entries":null}', '{"entries":{}}', '{"entries":[{}]}', '{"entries":[null]}', '{"assets":[]}', "[]"],
)
def test_an_answer_without_a_list_does_not_say_that_nothing_is_published(body):
    client: t.Any = SimpleNamespace(get=lambda *args, **_: args[2](body.encode()))
    with pytest.raises(ValueError, match=r"no list of entries|not a JSON object"):
        Feed(client, purpose="x", filters={}).still_published("page", "en-us", ["page0"])


@pytest.mark.parametrize("count", [True, False, -1, "3", 2.5, None])
def test_an_answer_whose_count_is_no_number_of_items_has_none(count):
    client: t.Any = SimpleNamespace(
        get=lambda *args, **_: args[2](json.dumps({"entries": [], "count": count}).encode())
    )
    with pytest.raises(ApiError, match="its response for 'page' in 'fr-fr' has no count"):
        Feed(client, purpose="x", filters={}).count("page", "fr-fr")


def test_content_of_a_fallback_does_not_say_that_an_item_is_published_to_the_locale():
    entries = [{"uid": uid, "publish_details": {"locale": locale}} for uid, locale in (("a", "fr-fr"), ("b", "en-us"))]
    client: t.Any = SimpleNamespace(get=lambda *args, **_: args[2](json.dumps({"entries": entries}).encode()))
    assert Feed(client, purpose="x", filters={}).still_published("page", "fr-fr", ["a", "b"]) == {"a"}


def test_a_content_type_that_is_gone_has_no_entries_to_ask_about(feed):
    with pytest.raises(NotFoundError):
        feed.still_published("../gone", "en-us", ["page0"])
