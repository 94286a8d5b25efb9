"""What the sandbox's stack and feed promise, without HTTP."""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Behaviour, Stack, seeded_stack
from sandbox.feed import Feed
from sandbox.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = dict[str, Any]
ALL = (
    "entry_published,entry_unpublished,entry_deleted,"
    "asset_published,asset_unpublished,asset_deleted,content_type_deleted"
)
TITLE = {"uid": "title", "data_type": "text"}


class Reader:
    """Reads a feed as a client would."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.feed = Feed(stack)
        self.behaviour = Behaviour()
        self.page_size = 2

    def ask(self, **params: str) -> Answer:
        page = self.feed.page(params, self.behaviour, self.page_size)
        answer: Answer = json.loads(page.encode())
        return answer

    def pages(self, **params: str) -> list[Answer]:
        pages = [self.ask(**params)]
        while "pagination_token" in pages[-1]:
            pages.append(self.ask(pagination_token=pages[-1]["pagination_token"]))
        return pages

    def start(self, **params: str) -> str:
        return str(self.pages(init="true", type=ALL, **params)[-1]["sync_token"])

    def told(self, **params: str) -> list[tuple[str, str | None, str | None]]:
        items = [item for page in self.pages(**params) for item in page["items"]]
        return [(i["type"], i["data"].get("uid"), i["data"].get("locale")) for i in items]


@pytest.fixture
def stack() -> Stack:
    stack = Stack(locales=["en-us", "fr-fr"], clock=itertools.count(1_700_000_000_000).__next__)
    stack.add_content_type({"uid": "note", "schema": [TITLE]})
    stack.add_content_type({"uid": "page", "schema": [TITLE], "options": {"is_page": True}})
    return stack


@pytest.fixture
def reader(stack: Stack) -> Reader:
    return Reader(stack)


def publish(stack: Stack, *uids: str, locales: tuple[str, ...] = ("en-us",)) -> None:
    for uid in uids:
        stack.publish_entry("note", uid, {"title": uid.upper()}, locales)


def test_a_page_that_is_not_the_last_has_a_pagination_token_alone(stack: Stack, reader: Reader) -> None:
    publish(stack, "a", "b", "c")
    first, last = reader.pages(init="true")
    assert first.keys() == {"items", "skip", "limit", "total_count", "pagination_token"}
    assert last.keys() == {"items", "skip", "limit", "total_count", "sync_token"}
    assert [(p["skip"], p["limit"], p["total_count"]) for p in (first, last)] == [(0, 2, 3), (2, 2, 3)]


def test_an_empty_stack_answers_one_page_with_a_sync_token(reader: Reader) -> None:
    answer = reader.ask(init="true")
    assert answer["items"] == []
    assert answer["total_count"] == 0
    assert "sync_token" in answer


def test_items_are_shaped_as_recorded(stack: Stack, reader: Reader) -> None:
    stack.publish_entry("page", "p", {"title": "P"}, ["fr-fr"], localized_in="en-us")
    stack.publish_asset("x", {"filename": "x.png"})
    asset, entry = reader.ask(init="true")["items"]
    assert entry.keys() == {"type", "event_at", "content_type_uid", "data"}
    system = {"uid", "title", "tags", "_version", "created_at", "created_by", "updated_at", "updated_by"}
    assert entry["data"].keys() == system | {"url", "locale", "publish_details"}
    assert entry["data"]["locale"] == "en-us"
    assert entry["data"]["publish_details"] == {
        "environment": stack.environments["production"],
        "locale": "fr-fr",
        "time": entry["event_at"],
        "user": stack.user,
    }
    assert asset["content_type_uid"] == "sys_assets"
    assert "locale" not in asset["data"]
    assert isinstance(asset["data"]["file_size"], str)


def test_what_is_published_is_what_an_initial_pass_brings(reader: Reader) -> None:
    reader.stack, reader.page_size = seeded_stack(seed=3, entries=60), 100
    reader.feed = Feed(reader.stack)
    items = [item for page in reader.pages(init="true") for item in page["items"]]
    brought = {
        (i["content_type_uid"], i["data"]["uid"], i["data"]["publish_details"]["locale"]): i["data"] for i in items
    }
    assets = {("sys_assets", *key): data for key, data in reader.stack.published_assets().items()}
    assert brought == reader.stack.published_entries() | assets
    assert len(items) == len(brought)


def test_a_republished_item_keeps_its_creation_and_moves_its_version(stack: Stack) -> None:
    publish(stack, "a")
    before = stack.published_entries()["note", "a", "en-us"]
    publish(stack, "a")
    after = stack.published_entries()["note", "a", "en-us"]
    assert after["created_at"] == before["created_at"]
    assert (before["_version"], after["_version"]) == (1, 2)
    assert after["publish_details"]["time"] > before["publish_details"]["time"]


def test_data_may_write_any_system_field(stack: Stack) -> None:
    stack.publish_entry("note", "a", {"uid": None, "publish_details": None, "bad": "\ud800\0"})
    data = stack.published_entries()["note", "a", "en-us"]
    assert data["uid"] is None
    assert data["publish_details"] is None
    assert data["bad"] == "\ud800\0"


def test_a_delta_brings_what_happened_since_newest_first(stack: Stack, reader: Reader) -> None:
    publish(stack, "a", "b")
    token = reader.start()
    publish(stack, "c")
    stack.unpublish_entry("note", "a", "en-us")
    stack.delete_entry("note", "b")
    stack.publish_asset("x")
    stack.unpublish_asset("x", "en-us")
    told = reader.told(sync_token=token)
    assert told == [
        ("asset_unpublished", "x", "en-us"),
        ("asset_published", "x", None),
        ("entry_deleted", "b", "en-us"),
        ("entry_unpublished", "a", "en-us"),
        ("entry_published", "c", "en-us"),
    ]


def test_nothing_changed_returns_the_same_token_and_nothing_else(reader: Reader) -> None:
    token = reader.start()
    assert reader.ask(sync_token=token) == {"items": [], "sync_token": token}


def test_edits_that_find_nothing_to_do_write_no_event(stack: Stack) -> None:
    stack.publish_entry("note", "draft", {}, locales=[])
    position = stack.position
    stack.unpublish_entry("note", "a", "en-us")
    stack.delete_entry("note", "a")
    stack.delete_entry("note", "draft")
    stack.delete_asset("x")
    assert stack.position == position


def test_the_sync_token_of_an_initial_pass_covers_the_edits_made_during_it(stack: Stack, reader: Reader) -> None:
    publish(stack, "a", "b", "c")
    first = reader.ask(init="true")
    publish(stack, "d")
    stack.delete_entry("note", "a")
    last = reader.ask(pagination_token=first["pagination_token"])
    assert [item["data"]["uid"] for item in last["items"]] == ["a"]
    assert reader.told(sync_token=last["sync_token"]) == [
        ("entry_deleted", "a", "en-us"),
        ("entry_published", "d", "en-us"),
    ]


def test_a_delta_is_pinned_at_its_first_request(stack: Stack, reader: Reader) -> None:
    token = reader.start()
    publish(stack, "a", "b", "c")
    first = reader.ask(sync_token=token)
    publish(stack, "d")
    last = reader.ask(pagination_token=first["pagination_token"])
    assert last["total_count"] == 3
    assert reader.told(sync_token=last["sync_token"]) == [("entry_published", "d", "en-us")]


def test_asking_a_token_again_gives_the_same_page(stack: Stack, reader: Reader) -> None:
    reader.behaviour = Behaviour(order="shuffled", empty_pages=True)
    token = reader.start()
    publish(stack, *"abcdefg")
    assert reader.pages(sync_token=token) == reader.pages(sync_token=token)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"content_type_uid": "note"}, ["n", "n"]),
        ({"type": "asset_published"}, ["x"]),
        ({"type": "entry_published, asset_published"}, ["x", "p", "n", "n"]),
        ({"locale": "fr-fr"}, ["n"]),
        ({"locale": "xx-xx"}, []),
        ({"content_type_uid": "gone"}, []),
        ({"environment": "staging"}, []),
        ({"start_from": "2999-01-01"}, []),
        ({"start_from": "2001-01-01T00:00:00Z"}, ["x", "p", "n", "n"]),
    ],
)
def test_filters_hold_for_the_pass_and_for_its_tokens(
    stack: Stack, reader: Reader, filters: dict[str, str], expected: list[str]
) -> None:
    def edit() -> None:
        publish(stack, "n", locales=("en-us", "fr-fr"))
        stack.publish_entry("page", "p", {})
        stack.publish_asset("x")

    edit()
    pages = reader.pages(init="true", **filters)
    assert [item["data"]["uid"] for page in pages for item in page["items"]] == expected
    edit()
    assert [uid for _, uid, _ in reader.told(sync_token=pages[-1]["sync_token"])] == expected


def test_an_init_without_types_is_followed_by_deltas_of_all_types(stack: Stack, reader: Reader) -> None:
    publish(stack, "a", "b")
    stack.delete_entry("note", "b")
    (page,) = reader.pages(init="true")
    assert page["total_count"] == 1
    stack.delete_entry("note", "a")
    assert reader.told(sync_token=page["sync_token"]) == [("entry_deleted", "a", "en-us")]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "init"),
        ({"init": "false"}, "init"),
        ({"init": "true", "sync_token": "x"}, "init"),
        ({"sync_token": "x"}, "sync_token"),
        ({"pagination_token": "x"}, "pagination_token"),
        ({"init": "true", "type": "entry_exploded"}, "type"),
        ({"init": "true", "start_from": "soon"}, "start_from"),
        ({"init": "true", "limit": "101"}, "limit"),
        ({"init": "true", "limit": "none"}, "limit"),
    ],
)
def test_what_is_not_valid_is_refused_by_its_name(reader: Reader, params: dict[str, str], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        reader.ask(**params)
    assert refused.value.status == 422
    assert refused.value.body["errors"] == {field: ["is not valid."]}


def test_tokens_of_another_feed_are_refused(stack: Stack, reader: Reader) -> None:
    with pytest.raises(Refusal):
        Reader(stack).ask(sync_token=reader.start())


@pytest.mark.parametrize("kind", ["sync", "pagination"])
def test_expired_tokens_are_refused_by_kind(stack: Stack, reader: Reader, kind: Any) -> None:
    publish(stack, "a", "b", "c")
    tokens = {"pagination": reader.ask(init="true")["pagination_token"], "sync": reader.start()}
    reader.feed.expire(kind)
    with pytest.raises(Refusal):
        reader.ask(**{f"{kind}_token": tokens.pop(kind)})
    ((other, token),) = tokens.items()
    reader.ask(**{f"{other}_token": token})
    assert reader.start()


# What the API leaves open


def test_the_order_is_a_switch(stack: Stack, reader: Reader) -> None:
    publish(stack, *"abcdefgh")
    orders = {}
    for order in ("newest_first", "oldest_first", "shuffled"):
        reader.behaviour = Behaviour(order=order)
        orders[order] = [str(uid) for _, uid, _ in reader.told(init="true")]
    assert orders["oldest_first"] == list("abcdefgh")
    assert orders["newest_first"] == list("hgfedcba")
    assert orders["shuffled"] not in (list("abcdefgh"), list("hgfedcba"))
    assert sorted(orders["shuffled"]) == list("abcdefgh")


def test_compaction_per_key_keeps_what_is_the_last_word_on_a_locale(stack: Stack, reader: Reader) -> None:
    reader.behaviour = Behaviour(compaction="per_key", deletes="whole")
    publish(stack, "a", "b", locales=("en-us", "fr-fr"))
    token = reader.start()
    publish(stack, "a", "b", locales=("fr-fr",))
    stack.delete_entry("note", "a")
    publish(stack, "a")
    stack.unpublish_entry("note", "b", "fr-fr")
    assert reader.told(sync_token=token) == [
        ("entry_unpublished", "b", "fr-fr"),
        ("entry_published", "a", "en-us"),
        ("entry_deleted", "a", "en-us"),
    ]


def test_compaction_per_item_keeps_the_last_edit_of_an_item(stack: Stack, reader: Reader) -> None:
    reader.behaviour = Behaviour(compaction="per_item")
    token = reader.start()
    publish(stack, "a")
    publish(stack, "a", locales=("en-us", "fr-fr"))
    assert len(reader.told(sync_token=token)) == 2
    stack.delete_entry("note", "a", "fr-fr")
    assert reader.told(sync_token=token) == [("entry_deleted", "a", "fr-fr")]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (True, ["entry_published", "entry_deleted", "entry_published", "entry_unpublished"]),
        (False, ["entry_published", "entry_published"]),
    ],
)
def test_an_initial_pass_brings_history_or_not(
    stack: Stack, reader: Reader, *, history: bool, expected: list[str]
) -> None:
    publish(stack, "a", "b")
    stack.unpublish_entry("note", "a", "en-us")
    publish(stack, "a")
    stack.delete_entry("note", "b")
    publish(stack, "c")
    reader.behaviour = Behaviour(history=history)
    assert [kind for kind, _, _ in reader.told(init="true", type=ALL)] == expected


@pytest.mark.parametrize(
    ("deletes", "whole", "one_locale"),
    [
        ("per_locale", ["en-us", "fr-fr"], ["fr-fr"]),
        ("whole", ["en-us"], ["fr-fr"]),
        ("nameless", [None], [None]),
    ],
)
def test_deletes_name_every_locale_or_one_or_none(
    stack: Stack, reader: Reader, deletes: Any, whole: list[str], one_locale: list[str]
) -> None:
    reader.behaviour = Behaviour(deletes=deletes, order="oldest_first")
    publish(stack, "a", "b", locales=("fr-fr", "en-us"))
    token, french = reader.start(), reader.start(locale="fr-fr")
    stack.delete_entry("note", "a")
    assert [locale for _, _, locale in reader.told(sync_token=token)] == whole
    assert reader.told(sync_token=french)
    token = reader.start()
    stack.delete_entry("note", "b", "fr-fr")
    assert [locale for _, _, locale in reader.told(sync_token=token)] == one_locale
    assert set(stack.published_entries()) == {("note", "b", "en-us")}


def test_a_delete_does_not_reach_the_feed_of_a_locale_it_is_not_about(stack: Stack, reader: Reader) -> None:
    publish(stack, "a", locales=("en-us", "fr-fr"))
    english = reader.start(locale="en-us")
    stack.delete_entry("note", "a", "fr-fr")
    assert reader.told(sync_token=english) == []


def test_missing_publish_details_leave_the_locale_published_to(stack: Stack, reader: Reader) -> None:
    stack.publish_entry("note", "a", {}, ["fr-fr"], localized_in="en-us")
    stack.publish_asset("x", {}, ["fr-fr"])
    reader.behaviour = Behaviour(publish_details="missing")
    for item in reader.ask(init="true")["items"]:
        assert "publish_details" not in item["data"]
        assert item["data"]["locale"] == "fr-fr"


def test_empty_pages_come_first_in_between_and_before_the_last(stack: Stack, reader: Reader) -> None:
    publish(stack, *"abcdefghij")
    reader.behaviour = Behaviour(empty_pages=True)
    pages = reader.pages(init="true")
    assert [len(page["items"]) for page in pages] == [0, 2, 2, 2, 0, 2, 0, 2]
    assert {page["total_count"] for page in pages} == {10}


@pytest.mark.parametrize(
    ("total_count", "expected"),
    [("right", [2, 2]), ("wrong", [3, 3]), ("wrong_once", [3, 2]), ("absent", [None, None])],
)
def test_the_total_count_can_be_wrong(
    stack: Stack, reader: Reader, total_count: Any, expected: list[int | None]
) -> None:
    publish(stack, "a", "b")
    reader.behaviour = Behaviour(total_count=total_count)
    assert [reader.ask(init="true").get("total_count") for _ in range(2)] == expected


def test_a_delta_without_changes_can_have_a_new_token_and_the_full_shape(reader: Reader) -> None:
    reader.behaviour = Behaviour(unchanged_token="new", unchanged_shape="full")
    token = reader.start()
    answer = reader.ask(sync_token=token)
    assert answer.keys() == {"items", "skip", "limit", "total_count", "sync_token"}
    assert answer["sync_token"] != token
    assert reader.ask(sync_token=answer["sync_token"])["items"] == []


@pytest.mark.parametrize("brings", [True, False])
def test_a_deleted_type_brings_its_entries_or_not(stack: Stack, reader: Reader, *, brings: bool) -> None:
    publish(stack, "a")
    token = reader.start(content_type_uid="note", locale="en-us")
    stack.delete_content_type("note")
    reader.behaviour = Behaviour(content_type_deleted_brings_entries=brings)
    told = reader.told(sync_token=token)
    assert told[0] == ("content_type_deleted", None, None)
    assert told[1:] == ([("entry_deleted", "a", "en-us")] if brings else [])
    assert stack.published_entries() == {}


def test_a_type_added_again_has_another_created_at(stack: Stack) -> None:
    before = stack.content_types["note"]["created_at"]
    stack.delete_content_type("note")
    stack.add_content_type({"uid": "note", "schema": [TITLE]})
    assert stack.content_types["note"]["created_at"] != before
    with pytest.raises(ValueError, match="note"):
        stack.add_content_type({"uid": "note", "schema": []})


def test_unpublish_events_can_carry_a_title_and_lack_the_asset_marker(stack: Stack, reader: Reader) -> None:
    publish(stack, "a")
    stack.publish_asset("x", {"title": "X"})
    token = reader.start()
    stack.unpublish_entry("note", "a", "en-us")
    stack.unpublish_asset("x", "en-us")
    plain = reader.ask(sync_token=token)["items"]
    assert [item["data"].get("title") for item in plain] == [None, None]
    assert plain[0]["content_type_uid"] == "sys_assets"
    reader.behaviour = Behaviour(title_on_unpublish=True, asset_marker_on_unpublish=False)
    asset, entry = reader.ask(sync_token=token)["items"]
    assert (asset["data"]["title"], entry["data"]["title"]) == ("X", "A")
    assert "content_type_uid" not in asset
    assert entry["content_type_uid"] == "note"


def test_event_times_are_strictly_increasing_unless_ties_are_asked_for(stack: Stack, reader: Reader) -> None:
    publish(stack, *"abcdef")
    reader.page_size = 100
    times = [item["event_at"] for item in reader.ask(init="true")["items"]]
    assert len(set(times)) == 6
    assert times == sorted(times, reverse=True)
    reader.behaviour = Behaviour(ties=True)
    items = reader.ask(init="true")["items"]
    assert len({item["event_at"] for item in items}) < 6
    assert all(item["event_at"] >= item["data"]["publish_details"]["time"] for item in items)


def test_a_clock_that_stands_still_does_not_stop_the_event_times() -> None:
    stack = Stack(clock=lambda: 5)
    stack.publish_asset("x")
    stack.publish_asset("y")
    times = [event.at for event in stack.log]
    assert times[0] < times[1]


SWITCHES: dict[str, tuple[object, ...]] = {
    "order": ("newest_first", "shuffled"),
    "compaction": ("none", "per_key", "per_item"),
    "history": (True, False),
    "deletes": ("per_locale", "whole", "nameless"),
    "publish_details": ("present", "missing"),
    "empty_pages": (True, False),
    "ties": (True, False),
}


def test_any_combination_of_switches_serves_whole_passes(stack: Stack, reader: Reader) -> None:
    publish(stack, *"abc", locales=("en-us", "fr-fr"))
    stack.delete_entry("note", "b")
    stack.unpublish_entry("note", "c", "fr-fr")
    for values in itertools.product(*SWITCHES.values()):
        reader.behaviour = Behaviour(**dict(zip(SWITCHES, values, strict=True)))  # type: ignore[arg-type]
        pages = reader.pages(init="true", type=ALL)
        assert sum(len(page["items"]) for page in pages) == pages[0]["total_count"]


# The seeded stack


def kinds_of(fields: list[dict[str, Any]]) -> set[tuple[str, bool]]:
    kinds = set()
    for field in fields:
        kinds.add((field.get("data_type", ""), field.get("multiple", False)))
        kinds |= kinds_of(field.get("schema", []))
        for block in field.get("blocks", []):
            kinds |= kinds_of(block.get("schema", []))
    return kinds


def test_the_seeded_stack_has_every_kind_of_field() -> None:
    stack = seeded_stack(entries=0)
    kinds = set().union(*(kinds_of(c["schema"]) for c in stack.content_types.values()))
    single = {"text", "number", "boolean", "isodate", "file", "link", "group", "global_field", "reference", "json"}
    assert {(kind, False) for kind in single} <= kinds
    several = {"text", "number", "isodate", "file", "link", "group", "global_field", "blocks", "taxonomy"}
    assert {(kind, True) for kind in several} <= kinds


def test_the_seeded_stack_has_old_shapes_and_the_locale_trap() -> None:
    entries = seeded_stack(entries=300).published_entries()
    assert any(data["locale"] != locale for (_, _, locale), data in entries.items())
    assert any("kicker" in data for (kind, _, _), data in entries.items() if kind == "story")
    assert any("layout" not in data for (kind, _, _), data in entries.items() if kind == "story")
    assert any(isinstance(data["sessions"], dict) for (kind, _, _), data in entries.items() if kind == "event")
    assert {locale for _, _, locale in entries} == {"en-us", "fr-fr", "de-de"}


@pytest.mark.parametrize("entries", [0, 1, 2, 5, 17])
def test_a_stack_of_any_size_can_be_seeded(entries: int) -> None:
    assert len({uid for _, uid, _ in seeded_stack(entries=entries).published_entries()}) <= entries


def test_a_seed_always_gives_the_same_stack() -> None:
    one, same, other = (seeded_stack(seed=seed, entries=40) for seed in (5, 5, 6))
    as_sent: Callable[[Stack], list[bytes]] = lambda stack: [event.data for event in stack.log]  # noqa: E731
    assert as_sent(one) == as_sent(same)
    assert one.content_types == same.content_types
    assert as_sent(one) != as_sent(other)
    assert one.api_key != other.api_key


def test_a_behaviour_is_replaced_not_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Behaviour().order = "shuffled"  # type: ignore[misc]
