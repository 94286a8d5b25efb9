"""Pages of the feed, as they are documented and as they are not."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from tap_contentstack.api.page import Unclean, decode_page

ITEM = {
    "type": "entry_published",
    "event_at": "2024-01-01T00:00:00.000Z",
    "content_type_uid": "blog",
    "data": {"uid": "e1"},
}


def page_of(*items):
    return decode_page(json.dumps({"items": items}, separators=(",", ":")).encode())


def test_a_page_is_read_with_its_items_as_they_came():
    page = decode_page(
        b'{"items":[{"type":"t","event_at":"e","content_type_uid":"c","data":{"a": 1.50},"new":1}],"total_count":3}'
    )
    (item,) = page.items
    assert (item.type, item.event_at, item.content_type_uid, bytes(item.data)) == ("t", "e", "c", b'{"a": 1.50}')
    assert (page.total_count, page.pagination_token, page.sync_token) == (3, None, None)


def test_a_delta_without_changes_has_only_a_token():
    page = decode_page(b'{"items":[],"sync_token":"s1"}')
    assert (page.items, page.sync_token, page.total_count) == ([], "s1", None)


def test_pretty_printed_items_are_one_line():
    page = decode_page(json.dumps({"items": [ITEM | {"data": {"a": "x\ny"}}]}, indent=2).encode())
    assert bytes(page.items[0].data) == b'{"a":"x\\ny"}'


@pytest.mark.parametrize("odd", [None, 5, "x", [], {}, {"type": 5}, {"data": 5}, {"event_at": None, "data": None}])
def test_an_odd_item_spoils_no_other(odd):
    page = page_of(ITEM, odd, ITEM)
    assert [item.type for item in page.items] == ["entry_published", "", "entry_published"]
    assert [bytes(item.data) for item in page.items[::2]] == [b'{"uid":"e1"}'] * 2


def test_odd_counts_are_none():
    page = decode_page(b'{"items":[],"total_count":"many","skip":1.5,"limit":true,"sync_token":"s"}')
    assert (page.total_count, page.skip, page.limit, page.sync_token) == (None, None, None, "s")


@pytest.mark.parametrize("count", ["-1", "true", "1.5", '"3"'])
def test_a_count_that_is_no_number_of_items_is_none(count):
    page = decode_page(f'{{"items":[{{"type":"entry_published"}}],"total_count":{count},"sync_token":"s"}}'.encode())
    assert (page.total_count, [item.type for item in page.items]) == (None, ["entry_published"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"<html>",
        b'{"items":{}}',
        b'{"items":null}',
        b'{"items":[],"sync_token":5}',
        b'{"items":[nul]}',
        b'{"items":[{"data":"\xff"}]}',
        b'{"items":[{"data":"a\nb"}]}',
        b'{"items":[{"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}]}",
    ],
)
def test_what_is_no_page_is_refused(body):
    with pytest.raises(ValueError, match=r"."):
        decode_page(body)


@pytest.mark.parametrize("text", [rb"\u0000", rb"\ud800", rb"\udc00 \ud83d\ude00", rb"\u005f", b"\xed\xa0\x80"])
def test_items_with_escapes_that_hide_something_are_marked_and_others_are_not(text):
    page = decode_page(b'{"items":[{"data":{"a":1}},{"data":{"a":"' + text + b'"}},{"data":{"a":"\\u00e9 \\n"}}]}')
    assert [isinstance(item.data, Unclean) for item in page.items] == [False, True, False]


@pytest.mark.parametrize("start", [0, 1, 250, 499])
@pytest.mark.parametrize(("number", "marked"), [("7" * 4000, True), ("0." + "7" * 3998, True), ("7" * 3999, False)])
def test_an_item_with_a_number_of_thousands_of_digits_is_marked_wherever_it_stands(number, marked, start):
    items = [f'{{"data":{{"a":"{"x" * start}","b":{each}}}}}' for each in ("1", number, "1.5")]
    page = decode_page(f'{{"items":[{",".join(items)}]}}'.encode())
    assert [isinstance(item.data, Unclean) for item in page.items] == [False, marked, False]


def test_half_a_surrogate_pair_keeps_the_text_of_its_item():
    page = decode_page(rb'{"items":[{"data":{"a":"\ud800"}},{"data":{"a":"\udc00"}}]}')
    assert [bytes(item.data) for item in page.items] == [rb'{"a":"\ud800"}', rb'{"a":"\udc00"}']


def test_half_a_surrogate_pair_may_be_pretty_printed():
    page = decode_page(b'{\n "items": [\n  {"data": {"a": "\\ud800 \\" x"}}]}')
    assert bytes(page.items[0].data) == rb'{"a":"\ud800 \" x"}'


def test_emoji_are_not_half_pairs():
    page = decode_page(rb'{"items":[{"data":{"a":"\ud83d\ude00"}}]}')
    assert type(page.items[0].data) is Raw
