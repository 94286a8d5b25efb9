"""The bookmark: what a state must hold to be gone on from, and what is kept of a damaged one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_contentstack.sync.bookmarks import Bookmark, read_bookmark
from tests.tap_process import BOOKMARK_KEYS

WHOLE = Bookmark(
    sync_token="blt1",
    version=1700000001,
    scope="stack:1",
    content_type_uid="blog",
    locales=["en-us"],
    types={"price": "number"},
)
LATER = {"items_total", "restarts", "full_load_at", "served_at"}
"""Keys that the first version did not write."""


def test_a_bookmark_survives_the_state_file():
    assert read_bookmark(json.loads(json.dumps(WHOLE.to_state()))) == (WHOLE, None)


def test_a_bookmark_always_writes_all_of_its_keys():
    assert Bookmark().to_state().keys() == WHOLE.to_state().keys()
    assert set(WHOLE.to_state()) == BOOKMARK_KEYS


def test_no_bookmark_is_no_damage():
    assert read_bookmark(None) == (Bookmark(), None)


def test_a_state_of_the_first_version_is_sound():
    assert read_bookmark({key: value for key, value in WHOLE.to_state().items() if key not in LATER}) == (WHOLE, None)


def test_keys_of_others_are_left_alone():
    assert read_bookmark({**WHOLE.to_state(), "progress_markers": {}, "note": 1}) == (WHOLE, None)


@pytest.mark.parametrize(
    "damage",
    [
        {"replication_key_value": 5},
        {"replication_key_value": ""},
        {"replication_key": "updated_at"},
        {"pagination_token": "blt2"},
        {"items_seen": -1},
        {"items_seen": True},
        {"items_total": "3"},
        {"restarts": "count"},
        {"full_load_at": "yesterday"},
        {"served_at": 5},
        {"version": None},
        {"version": "1700000001"},
        {"scope": None},
        {"locales": "en-us"},
        {"locales": [1]},
        {"types": [["price", "number"]]},
        {"format": 2},
    ],
    ids=str,
)
def test_a_damaged_bookmark_is_not_gone_on_from(damage):
    bookmark, problem = read_bookmark({**WHOLE.to_state(), **damage})
    assert problem
    assert bookmark.sync_token is None
    assert bookmark.pagination_token is None
    assert bookmark.content_type_uid == "blog"


@pytest.mark.parametrize(
    ("text", "time", "seconds"),
    [
        ("2026-01-01t00:00:00z", "2026-01-01T00:00:00Z", 1767225600),
        ("2026-01-01 01:00:00+01:00", "2026-01-01T00:00:00Z", 1767225600),
        ("2026-01-01", "2026-01-01T00:00:00Z", 1767225600),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00Z", -62135596800),
    ],
)
def test_a_time_in_another_form_is_read_as_that_time_in_utc(text, time, seconds):
    bookmark, problem = read_bookmark({**WHOLE.to_state(), "full_load_at": text, "served_at": text})
    assert problem is None
    assert (bookmark.full_load_at, bookmark.served_at, bookmark.full_load_time) == (time, time, seconds)


@pytest.mark.parametrize("key", sorted(WHOLE.to_state().keys() - LATER))
def test_a_bookmark_that_lacks_a_key_is_not_gone_on_from(key):
    state = WHOLE.to_state()
    del state[key]
    bookmark, problem = read_bookmark(state)
    assert problem
    assert key in problem
    assert bookmark.sync_token is None


def test_the_table_that_a_damaged_bookmark_describes_is_not_forgotten():
    bookmark, _ = read_bookmark({**WHOLE.to_state(), "scope": 1})
    assert (bookmark.version, bookmark.types) == (WHOLE.version, WHOLE.types)
    assert bookmark.knows_rows


def test_a_column_type_that_makes_no_sense_is_mended_where_states_are_merged_by_key():
    bookmark, problem = read_bookmark({**WHOLE.to_state(), "types": {"price": "number", "gone": 5}})
    assert problem
    assert bookmark.to_state()["types"] == {"price": "number", "gone": None}
    assert read_bookmark({**WHOLE.to_state(), **bookmark.to_state(), "scope": "a:b"})[1] is None


def test_a_column_that_is_deselected_keeps_its_type_and_is_lacked_when_it_is_selected_again():
    bookmark = Bookmark()
    bookmark.remember({"price": "number", "body": "string"}, {"price"})
    assert bookmark.types == {"price": "number", "body": None}
    assert bookmark.lacks(["price", "body", "new"]) == ["body"]
    bookmark.remember({"price": "string", "body": "string"}, {"body"})
    assert bookmark.types == {"price": "(number)", "body": "string"}
    assert bookmark.first_types() == {"price": "number", "body": "string"}
    assert bookmark.lacks(["price", "body"]) == ["price"]
    bookmark.remember({"price": "string"}, {"price"})
    assert bookmark.types == {"price": "number", "body": "string"}
    assert bookmark.lacks(["price", "body"]) == []


def test_a_column_that_differs_in_case_alone_from_a_loaded_one_is_lacked_once():
    bookmark = Bookmark(types={"Price": "number", "title": "string"})
    assert bookmark.lacks(["title", "price", "Price_93c91c85"]) == ["price"]
    bookmark.remember({"title": "string", "price": "number", "Price_93c91c85": "number"}, {"price", "Price_93c91c85"})
    assert bookmark.types["Price"] is None
    assert bookmark.lacks(["price", "Price_93c91c85"]) == []
    assert bookmark.lacks(["Price"]) == ["Price"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(WHOLE.to_state())) | st.text(max_size=5), json_values))
def test_any_damage_is_either_used_rightly_or_named(damage):
    state = {**WHOLE.to_state(), **damage}
    bookmark, problem = read_bookmark(state)
    if problem:
        assert (bookmark.sync_token, bookmark.pagination_token, bookmark.scope) == (None, None, None)
    elif bookmark.scope:
        assert bookmark.to_state() == {key: state[key] for key in bookmark.to_state()}
    assert json.dumps(bookmark.to_state())
