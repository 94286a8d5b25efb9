"""Initial runs and deltas of the real command: what arrives, in which order, and what is asked for it."""

from __future__ import annotations

import copy
import datetime as dt
import re
import typing as t

import pytest

from sandbox import Behaviour, Sandbox, Stack
from tap_contentstack.schema.stream_schemas import LOAD_VERSION
from tests.tap_process import BOOKMARK_KEYS, ITEM_KEYS, LIST_KEYS, LISTS, LOADS, Output, keys_of, load, published

ENTRY_EVENTS = "entry_published,entry_unpublished,entry_deleted,content_type_deleted"
ASSET_EVENTS = "asset_published,asset_unpublished,asset_deleted"
SYNC = "/v3/stacks/sync"
CONTENT_TYPES = "/v3/content_types"
STEP = re.compile(r'\.?([A-Za-z_]\w*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


@pytest.fixture(scope="module")
def first(site) -> Output:
    site.requests.clear()
    return load(site).check(history=True)


@pytest.fixture
def small() -> t.Iterator[Sandbox]:
    """A small stack to edit."""
    stack = Stack(locales=("en-us", "fr-fr", "de-de"))
    for uid in ("page", "tag"):
        stack.add_content_type({"uid": uid, "schema": [{"uid": "title", "data_type": "text", "display_name": "Title"}]})
        for number in range(6):
            stack.publish_entry(uid, f"{uid}{number}", {"title": f"{uid} {number}"}, ["en-us", "fr-fr"])
    for number in range(4):
        stack.publish_asset(f"asset{number}", {"title": f"asset {number}"}, ["en-us", "de-de"])
    with Sandbox(stack, page_size=5) as sandbox:
        yield sandbox


# What is compared


def lost(data: dict[str, t.Any], row: dict[str, t.Any]) -> list[str]:
    """Return the fields of an item that are neither in their column nor in `_unmapped`."""
    unmapped = row["_unmapped"] or {}
    rest = copy.deepcopy(data)
    problems = []
    for path, value in unmapped.items():
        steps = [int(number) if number else key or quoted for key, number, quoted in STEP.findall(path)]
        holder: t.Any = rest
        for step in steps[:-1]:
            holder = holder[step]
        if holder[steps[-1]] != value:
            problems.append(path)
        if isinstance(holder, list):
            holder[steps[-1]] = None
        else:
            del holder[steps[-1]]
    return problems + [field for field, value in rest.items() if not same(value, row.get(field))]


def same(sent: t.Any, got: t.Any) -> bool:
    if isinstance(sent, dict):
        return isinstance(got, dict) and all(same(sent.get(key), got.get(key)) for key in {*sent, *got})
    if isinstance(sent, list):
        return isinstance(got, list) and len(got) == len(sent) and all(map(same, sent, got))
    if isinstance(sent, str) and isinstance(got, dict):
        return bool(got["uid"] == sent)
    return bool(sent == got) or (isinstance(sent, str) and isinstance(got, str) and same_time(sent, got))


def same_time(sent: str, got: str) -> bool:
    try:
        moments = [dt.datetime.fromisoformat(text) for text in (sent, got)]
    except ValueError:
        return False
    return len({moment.replace(tzinfo=moment.tzinfo or dt.UTC) for moment in moments}) == 1


# Initial runs


def test_two_runs_without_a_state_never_share_a_version(small):
    versions = [{bookmark["version"] for bookmark in load(small).state["bookmarks"].values()} for _ in range(2)]
    assert max(versions[0]) < min(versions[1])


def test_every_published_item_arrives_exactly_once(site, first):
    assert keys_of(first.tables()) == keys_of(published(site))
    for stream, table in published(site).items():
        assert first.record_counts[stream] == len(table)


def test_every_field_of_every_item_is_in_its_row(site, first):
    tables = first.tables()
    for stream, table in published(site).items():
        for key, data in table.items():
            assert lost(data, tables[stream][key]) == []


def test_the_added_columns_say_where_a_row_comes_from(first):
    for stream, table in first.tables().items():
        for key, row in table.items():
            if stream in LISTS:
                assert key == tuple(row[column] for column in LIST_KEYS[stream])
                continue
            uid, *locale = key
            assert row["uid"] == uid
            assert row["_publish_locale"] == row["publish_details"]["locale"] == locale[0]
            assert row["_content_type_uid"] == ("sys_assets" if stream == "assets" else stream.removeprefix("entries_"))
            assert row["_sync_type"] == ("asset_published" if stream == "assets" else "entry_published")
            assert row["_sync_event_at"].endswith("Z")
            assert row["_sdc_deleted_at"] is None
            assert isinstance(row["_references"], list)


def test_references_list_the_links_of_an_entry(site, first):
    rows = first.tables()["entries_story"]
    for key, data in published(site)["entries_story"].items():
        found = {(each["path"], each["uid"], each["content_type_uid"]) for each in rows[key]["_references"]}
        expected = {(f"authors[{n}]", each["uid"], "author") for n, each in enumerate(data["authors"])}
        expected |= {(f"gallery[{n}]", uid, "sys_assets") for n, uid in enumerate(data["gallery"])}
        expected |= {("cover", data["cover"], "sys_assets")} if data["cover"] else set()
        assert expected <= found
        assert any(path.startswith("body.children") for path, _, _ in found)


def test_each_content_type_and_each_global_field_is_a_row(site, first):
    tables = first.tables()
    assert {uid for (uid,) in tables["content_types"]} == set(site.stack.content_types)
    assert {uid for (uid,) in tables["global_fields"]} == set(site.stack.global_fields)


def test_columns_have_the_types_of_their_fields(first):
    story, event = (first.schemas[f"entries_{uid}"]["properties"] for uid in ("story", "event"))
    assert {name: story[name]["type"][0] for name in ("title", "score", "sponsored", "body", "gallery", "tags")} == {
        "title": "string",
        "score": "number",
        "sponsored": "boolean",
        "body": "object",
        "gallery": "array",
        "tags": "array",
    }
    assert story["dated"]["format"] == event["starts"]["format"] == story["_sync_event_at"]["format"] == "date-time"
    for message in first.of_type("SCHEMA"):
        keys = {**LIST_KEYS, LOADS: ["stream"]}.get(message["stream"], ITEM_KEYS)
        assert message["key_properties"] == message["schema"]["required"] == keys


def test_each_table_has_one_version_and_is_swept_before_its_sync_token_is_kept(first):
    for stream, bookmark in first.state["bookmarks"].items():
        versions = {each["version"] for each in first.of_type("RECORD", stream)}
        assert versions == {bookmark["version"]}
        assert [each["version"] for each in first.of_type("ACTIVATE_VERSION", stream)] == [bookmark["version"]]
        order = [each["type"] for each in first.messages if each.get("stream") == stream]
        assert order[0] == "SCHEMA"
        assert order[-1] == "ACTIVATE_VERSION"
        sweep = next(
            n
            for n, each in enumerate(first.messages)
            if each["type"] == "ACTIVATE_VERSION" and each["stream"] == stream
        )
        for message in first.messages[:sweep]:
            if message["type"] == "STATE":
                assert message["value"]["bookmarks"][stream]["replication_key_value"] is None


def test_a_stream_is_announced_in_the_state_before_its_first_record(first):
    announced: dict[str, int] = {}
    for message in first.messages:
        if message["type"] == "STATE":
            announced |= {name: each["version"] for name, each in message["value"]["bookmarks"].items()}
        elif message["type"] == "RECORD" and message["stream"] != LOADS:
            assert announced[message["stream"]] == message["version"]


def test_bookmarks_always_have_all_of_their_keys(first):
    for state in first.states:
        for bookmark in state["bookmarks"].values():
            assert set(bookmark) == BOOKMARK_KEYS
    bookmark = first.state["bookmarks"]["entries_story"]
    assert bookmark["content_type_uid"] == "story"
    assert bookmark["locales"] == ["de-de", "en-us", "fr-fr"]
    assert bookmark["pagination_token"] is None
    assert bookmark["types"]["score"] == "number"


def test_an_initial_pass_asks_with_the_documented_parameters_only(site, first):
    assert first.code == 0
    asked = [request for request in site.requests if request.path == SYNC]
    inits = [request.params for request in asked if "init" in request.params]
    environment = {"environment": "production"}
    expected = [{"init": "true", "type": ASSET_EVENTS, **environment}]
    expected += [
        {"init": "true", "type": ENTRY_EVENTS, "content_type_uid": uid, **environment}
        for uid in site.stack.content_types
    ]
    assert sorted(inits, key=str) == sorted(expected, key=str)
    for request in asked:
        if "init" not in request.params:
            assert request.params.keys() in ({"pagination_token", "environment"}, {"sync_token", "environment"})
    pages = [request for request in asked if "pagination_token" in request.params]
    assert len({request.params["pagination_token"] for request in pages}) == len(pages) > 0


def test_credentials_and_names_go_into_headers_and_nowhere_else(site, first):
    assert first.code == 0
    settings = site.settings
    for request in site.requests:
        assert request.method == "GET"
        assert request.headers["api_key"] == settings["api_key"]
        assert request.headers["access_token"] == settings["access_token"]
        assert re.fullmatch(r"tap-contentstack/\d+\.\d+\.\d+", request.headers["user-agent"])
        assert "gzip" in request.headers["accept-encoding"]
        assert request.headers.get("connection") == "keep-alive"
        assert not {settings["api_key"], settings["access_token"]} & set(request.params.values())


def test_secrets_appear_in_no_output(site, first):
    for secret in (site.settings["api_key"], site.settings["access_token"]):
        assert secret not in first.err
        # The sandbox's asset URLs hold the stack's key, as the real ones do.
        assert secret.encode() not in re.sub(rb"https://images[^\"]*", b"", first.out)
        assert secret not in str(first.states)


def test_content_types_are_listed_once_a_run_with_their_global_fields(site, first):
    assert first.code == 0
    assert [request.params for request in site.requests if request.path.startswith(CONTENT_TYPES)] == [
        {
            "include_count": "true",
            "include_global_field_schema": "true",
            "include_branch": "true",
            "skip": "0",
            "limit": "100",
            "environment": "production",
        }
    ]


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(order="shuffled", history=False, total_count="absent"),
        Behaviour(empty_pages=True, unchanged_token="new", unchanged_shape="full", branch_told=False),
        Behaviour(publish_details="missing", order="oldest_first", total_count="wrong_once", history=False),
    ],
    ids=["shuffled", "empty pages", "no publish details"],
)
def test_what_arrives_does_not_hang_on_what_the_api_leaves_open(small, behaviour):
    small.behaviour = behaviour
    output = load(small, max_retries=0).check(history=behaviour.history)
    assert keys_of(output.tables()) == keys_of(published(small))


# Deltas


def test_edits_of_all_kinds_arrive_as_rows_and_tombstones(small):
    first = load(small).check()
    stack = small.stack
    stack.publish_entry("page", "page0", {"title": "changed"}, ["en-us"])
    stack.publish_entry("page", "new", {"title": "new"}, ["de-de"])
    stack.unpublish_entry("page", "page1", "fr-fr")
    stack.delete_entry("page", "page2")
    stack.unpublish_entry("page", "page3", "en-us")
    stack.publish_entry("page", "page3", {"title": "again"}, ["en-us"])
    stack.publish_asset("asset0", {"title": "changed"}, ["en-us"])
    stack.unpublish_asset("asset1", "de-de")
    stack.delete_asset("asset2")
    second = load(small, state=first.state).check(history=True)

    tombstones = {
        (each["stream"], each["record"]["uid"], each["record"]["_publish_locale"]): each["record"]
        for each in second.of_type("RECORD")
        if each["record"].get("_sdc_deleted_at")
    }
    held = {(stream, *key) for stream, table in first.tables().items() for key in table}
    told = {key: record["_sync_type"] for key, record in tombstones.items() if key in held and "page3" not in key}
    assert told == {
        ("entries_page", "page1", "fr-fr"): "entry_unpublished",
        ("entries_page", "page2", "en-us"): "entry_deleted",
        ("entries_page", "page2", "fr-fr"): "entry_deleted",
        ("assets", "asset1", "de-de"): "asset_unpublished",
        ("assets", "asset2", "en-us"): "asset_deleted",
        ("assets", "asset2", "de-de"): "asset_deleted",
    }
    for record in tombstones.values():
        assert record["_sync_event_at"] == record["_sdc_deleted_at"]
        assert record["_references"] == []
        assert record.get("title") is None
    assert second.of_type("RECORD", "entries_tag") == []
    assert {each["stream"] for each in second.of_type("ACTIVATE_VERSION")} == LISTS
    tables, expected = second.tables(first), published(small)
    assert keys_of(tables) == keys_of(expected)
    for stream, table in expected.items():
        assert {key: data["title"] for key, data in table.items()} == {
            key: row["title"] for key, row in tables.get(stream, {}).items()
        }


def test_a_table_keeps_its_version_over_deltas(small):
    first = load(small)
    small.stack.publish_entry("page", "page0", {"title": "changed"}, ["en-us"])
    second = load(small, state=first.state)
    version = first.state["bookmarks"]["entries_page"]["version"]
    assert [each["version"] for each in second.of_type("RECORD", "entries_page")] == [version]
    assert second.state["bookmarks"]["entries_page"]["version"] == version


def test_where_nothing_changed_only_sync_tokens_are_sent_and_no_row_comes(small):
    first = load(small)
    small.requests.clear()
    second = load(small, state=first.state).check()
    assert set(second.record_counts) <= LISTS
    asked = [request.params for request in small.requests if request.path == SYNC]
    tokens = [
        bookmark["replication_key_value"]
        for bookmark in first.state["bookmarks"].values()
        if bookmark["replication_key_value"]
    ]
    assert sorted(asked, key=str) == sorted(
        ({"sync_token": token, "environment": "production"} for token in tokens), key=str
    )
    # The lists: content types, global fields, taxonomies, and these once more for their terms.
    assert len(small.requests) == len(tokens) + 4


def test_a_third_run_goes_on_from_what_the_second_one_kept(small):
    first = load(small)
    small.stack.publish_entry("tag", "tag0", {"title": "two"}, ["en-us"])
    second = load(small, state=first.state)
    small.stack.publish_entry("tag", "tag0", {"title": "three"}, ["en-us"])
    third = load(small, state=second.state)
    assert [record["title"] for record in third.records("entries_tag")] == ["three"]


def test_a_content_type_that_was_deleted_leaves_an_empty_table_and_no_bookmark(small):
    first = load(small)
    small.stack.delete_content_type("tag")
    second = load(small, state=first.state).check(history=True)
    assert not second.tables(first).get("entries_tag")
    assert "entries_tag" not in second.state["bookmarks"]
    assert "entries_page" in second.state["bookmarks"]
    assert load(small, state=second.state).of_type("ACTIVATE_VERSION", "entries_tag") == []


def test_a_content_type_that_was_made_again_is_loaded_anew(small):
    first = load(small)
    small.stack.delete_content_type("tag")
    small.stack.add_content_type({"uid": "tag", "schema": [{"uid": "title", "data_type": "text"}]})
    small.stack.publish_entry("tag", "tag9", {"title": "nine"}, ["en-us"])
    second = load(small, state=first.state).check(history=True)
    assert set(second.tables(first)["entries_tag"]) == {("tag9", "en-us")}
    assert "made for a different scope (content type)" in second.err


def test_a_new_content_type_gets_a_stream_of_its_own(small):
    first = load(small)
    small.stack.add_content_type({"uid": "New-Type", "schema": [{"uid": "title", "data_type": "text"}]})
    small.stack.publish_entry("New-Type", "one", {"title": "one"}, ["en-us"])
    second = load(small, state=first.state).check(history=True)
    (name,) = second.record_counts.keys() - LISTS
    assert re.fullmatch(r"entries_new_type_[0-9a-f]{8}", name)


@pytest.mark.parametrize("kind", ["sync", "pagination", None])
def test_expired_tokens_start_streams_over_and_nothing_is_lost(small, kind):
    first = load(small)
    small.stack.delete_entry("page", "page2")
    small.expire_tokens(kind)
    second = load(small, state=first.state).check(history=True)
    assert keys_of(second.tables(first)) == keys_of(published(small))
    assert ("restarts: its token is refused" in second.err) == (kind != "pagination")


def test_a_delete_without_locales_reaches_those_that_a_stream_knew_before_it_started_over(small):
    small.behaviour = Behaviour(compaction="per_key", deletes="nameless")
    first = load(small)
    small.stack.publish_entry("page", "page1", {"title": "in German"}, ["de-de"])
    lost = load(small, state=first.state)
    small.stack.delete_entry("page", "page1")
    for number in range(4):
        small.stack.unpublish_asset(f"asset{number}", "de-de")
    state = copy.deepcopy(first.state)  # in which only the assets know this locale
    state["bookmarks"]["assets"]["replication_key_value"] = "refused"
    third = load(small, state=state, max_concurrency=1).check(history=True)
    assert "de-de" not in third.state["bookmarks"]["assets"]["locales"]
    assert keys_of(third.tables(first, lost)) == keys_of(published(small))


def test_a_field_that_changes_its_type_keeps_its_column_and_is_told(small):
    def with_price(data_type: str) -> None:
        fields = [{"uid": "title", "data_type": "text"}, {"uid": "price", "data_type": data_type}]
        small.stack.change_content_type("page", schema=fields)

    with_price("number")
    small.stack.publish_entry("page", "page0", {"price": 5}, ["en-us"])
    first = load(small)
    with_price("text")
    small.stack.publish_entry("page", "page0", {"price": "five"}, ["en-us"])
    second = load(small, state=first.state).check(history=True)
    assert second.schemas["entries_page"]["properties"]["price"]["type"][0] == "number"
    (record,) = second.records("entries_page")
    assert record["price"] is None
    assert record["_unmapped"] == {"price": "five"}
    assert "Field 'price' is of type string now; its column stays number" in second.err


def test_fields_that_differ_in_case_alone_leave_all_values_where_a_fresh_load_puts_them(small):
    def with_fields(*uids: str) -> None:
        fields = [{"uid": uid, "data_type": "number"} for uid in uids]
        small.stack.change_content_type("page", schema=[{"uid": "title", "data_type": "text"}, *fields])

    with_fields("Price")
    small.stack.publish_entry("page", "page0", {"Price": 5}, ["en-us"])
    last = load(small)
    for edit, uids in enumerate([("Price", "price"), ("Price",), ("price",), ("PRICE", "Price")]):
        with_fields(*uids)
        small.stack.publish_entry("page", "page1", dict.fromkeys(uids, edit), ["en-us"])
        output = load(small, state=last.state).check(history=True)
        fresh = load(small)
        columns = fresh.schemas["entries_page"]["properties"].keys() - {LOAD_VERSION}
        rows, expected = output.tables(last)["entries_page"], fresh.tables()["entries_page"]
        assert rows.keys() == expected.keys()
        for key, row in expected.items():
            assert [(each, rows[key].get(each)) for each in columns] == [(each, row.get(each)) for each in columns]
        assert "restarts, as its rows lack columns that are selected now" in output.err
        last = output
    again = load(small, state=last.state).check(history=True)
    assert again.records("entries_page") == []


def test_content_that_no_target_can_store_is_taken_out_with_one_warning(small):
    small.stack.publish_entry("page", "page0", {"title": "a\0b", "k\0": [{"half": "x\ud800y"}]}, ["en-us", "fr-fr"])
    output = load(small).check(history=True)
    row = output.tables()["entries_page"]["page0", "en-us"]
    assert row["title"] == "ab"
    assert row["_unmapped"] == {"k": [{"half": "xy"}]}
    assert output.err.count("characters that no target can store") == 1
    assert "2 items had characters" in output.err


def test_an_item_without_a_usable_key_is_named_and_does_not_end_the_run(small):
    small.stack.publish_entry("page", "keyless", {"uid": None}, ["en-us"])
    output = load(small).check(history=True)
    assert "An item has no usable key and is left out: event entry_published" in output.err
    assert "1 items had no usable key (uid and locale) and were left out" in output.err
    assert output.record_counts["entries_page"] == 12
