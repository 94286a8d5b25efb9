"""The stream `loads` and the column `_load_version`: any target that upserts can be read exactly."""

from __future__ import annotations

import gzip
import json
import typing as t
from collections import Counter
from pathlib import Path

import pytest

from sandbox import Behaviour, Fault, Sandbox, Stack
from tests.tap_process import ITEM_KEYS, LISTS, LOADS, Json, Key, Output, fail, keys_of, load, published, run_tap

PUBLISHED = {"entry_published", "asset_published"}


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    stack = Stack(locales=("en-us", "fr-fr"), environments=("production", "staging"))
    for uid in ("page", "pet"):
        stack.add_content_type({"uid": uid, "schema": [{"uid": "title", "data_type": "text"}]})
        for number in range(7):
            stack.publish_entry(uid, f"{uid}{number}", {}, ["en-us", "fr-fr"])
    stack.publish_asset("asset1", {}, ["en-us"])
    stack.add_global_field({"uid": "seo", "schema": [{"uid": "title", "data_type": "text"}]})
    stack.add_taxonomy("mood")
    stack.add_term("mood", "calm")
    with Sandbox(stack, page_size=3) as sandbox:
        yield sandbox


class Upserts:
    """A target that upserts and knows nothing else: no sweep, no metadata columns, no version of messages."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[Key, Json]] = {}

    def take(self, messages: list[Json]) -> None:
        keys: dict[str, list[str]] = {}
        for message in messages:
            if message["type"] == "SCHEMA":
                keys[message["stream"]] = message["key_properties"]
            elif message["type"] == "RECORD":
                row = {name: value for name, value in message["record"].items() if not name.startswith("_sdc_")}
                key = tuple(row[column] for column in keys[message["stream"]])
                self.tables.setdefault(message["stream"], {})[key] = row

    def read(self) -> dict[str, set[Key]]:
        """Return the keys of the rows that the documented condition lets through, of each table of items."""
        loads = {row["stream"]: row["version"] for row in self.tables[LOADS].values()}
        return keys_of(
            {
                name: {
                    key: row
                    for key, row in table.items()
                    if row["_load_version"] >= loads[name] and (name in LISTS or row["_sync_type"] in PUBLISHED)
                }
                for name, table in self.tables.items()
                if name != LOADS
            }
        )


def expected(sandbox: Sandbox) -> dict[str, set[Key]]:
    return keys_of(published(sandbox))


def edit(stack: Stack) -> None:
    stack.publish_entry("page", "page0", {"title": "changed"}, ["en-us"])
    stack.publish_entry("page", "new", {}, ["fr-fr"])
    stack.unpublish_entry("page", "page1", "fr-fr")
    stack.delete_entry("pet", "pet2")
    stack.delete_asset("asset1")


# When a row goes out


def test_each_stream_gets_its_row_after_its_rows_and_before_the_state_that_says_so(sandbox):
    output = load(sandbox).check()
    assert set(output.loads) == set(output.schemas)
    completed: dict[str, int] = {}
    for number, message in enumerate(output.messages):
        if message["type"] == "RECORD" and message["stream"] == LOADS:
            completed[message["record"]["stream"]] = number
        elif message.get("stream") in output.schemas and message["type"] in {"RECORD", "ACTIVATE_VERSION"}:
            assert message["stream"] not in completed
        elif message["type"] == "STATE":
            for name, bookmark in message["value"]["bookmarks"].items():
                assert name in completed or not bookmark["replication_key_value"]


def test_a_row_says_what_was_loaded_and_when(sandbox):
    row = load(sandbox).loads["entries_page"]
    assert row.pop("loaded_at") >= row.pop("full_load_at") > "2026"
    assert row.pop("version") > 1_700_000_000
    assert row == {
        "stream": "entries_page",
        "content_type_uid": "page",
        "environment": "production",
        "branch": "main",
        "published": None,
    }


def test_a_run_in_which_nothing_changed_gives_each_stream_its_row_again(sandbox):
    first = load(sandbox)
    second = load(sandbox, state=first.state)
    assert set(second.loads) == set(first.loads)
    for name, row in second.loads.items():
        if name not in LISTS:
            assert (row["version"], row["full_load_at"]) == (
                first.loads[name]["version"],
                first.loads[name]["full_load_at"],
            )
    assert len(second.records(LOADS)) == len(second.loads)


# How many items the API counts


def locales_of(sandbox: Sandbox, *streams: str) -> Counter[str]:
    return Counter(key[1] for stream in streams for key in expected(sandbox).get(stream, ()))


@pytest.mark.parametrize("streams", ["per_content_type", "combined"])
def test_a_row_says_how_many_items_are_published_in_each_locale(sandbox, streams):
    first = load(sandbox, entry_streams=streams, count_published=True)
    edit(sandbox.stack)
    second = load(sandbox, state=first.state, entry_streams=streams, count_published=True).check()
    assert Counter(second.loads["assets"]["published"]) == locales_of(sandbox, "assets")
    counted: Counter[str] = Counter()
    for name in second.loads.keys() - LISTS - {"assets"}:
        counted.update(second.loads[name]["published"])
    assert counted == locales_of(sandbox, *expected(sandbox).keys() - {"assets"})
    assert all(second.loads[name]["published"] is None for name in LISTS)


def test_a_list_of_content_types_that_lags_behind_the_feed_makes_no_count_too_low(sandbox):
    lagging = json.dumps({"content_types": [sandbox.stack.content_types["page"]], "count": 1})
    sandbox.faults.add(Fault(kind="html", status=200, body=lagging, path="/v3/content_types[?]", times=None))
    output = load(sandbox, entry_streams="combined", count_published=True)
    assert Counter(output.loads["entries"]["published"]) == locales_of(sandbox, "entries_page", "entries_pet")


def test_rows_of_a_type_that_the_list_lacks_since_leave_the_count_open(sandbox):
    first = load(sandbox, entry_streams="combined", count_published=True)
    lagging = json.dumps({"content_types": [sandbox.stack.content_types["page"]], "count": 1})
    sandbox.faults.add(Fault(kind="html", status=200, body=lagging, path="/v3/content_types[?]", times=None))
    second = load(sandbox, state=first.state, entry_streams="combined", count_published=True)
    assert second.loads["entries"]["published"] is None
    assert "the listed content types have " in second.err


@pytest.mark.parametrize("content_types", [["page"], ["p*"], ["pet", "nothing_*"], []])
def test_of_a_combined_stream_the_types_in_scope_are_counted(sandbox, content_types):
    sandbox.stack.add_content_type({"uid": "nothing_yet", "schema": []})
    output = load(sandbox, entry_streams="combined", count_published=True, content_types=content_types)
    streams = {"entries_page", "entries_pet"}
    in_scope = {"entries_pet"} if "pet" in content_types else {"entries_page"} if "page" in content_types else streams
    assert Counter(output.loads["entries"]["published"]) == locales_of(sandbox, *in_scope)
    lists = [request for request in sandbox.requests if request.path == "/v3/content_types"]
    assert len(lists) == 2, "once for the streams, and once for all locales"


def test_a_type_that_is_listed_though_it_is_gone_counts_nothing(sandbox):
    stale = json.dumps({"content_types": [*sandbox.stack.content_types.values()], "count": 2})
    sandbox.stack.delete_content_type("pet")
    sandbox.faults.add(Fault(kind="html", status=200, body=stale, path="/v3/content_types[?]", times=None))
    output = load(sandbox, entry_streams="combined", count_published=True)
    assert Counter(output.loads["entries"]["published"]) == locales_of(sandbox, "entries_page")


def test_only_the_locales_that_are_loaded_are_counted(sandbox):
    row = load(sandbox, locales=["fr-fr"], count_published=True).loads["entries_page"]
    assert row["published"] == {"fr-fr": locales_of(sandbox, "entries_page")["fr-fr"]}


@pytest.mark.parametrize(
    "narrowed", [{"start_date": "2024-01-01T00:00:00Z"}, {"event_types": ["entry_published", "asset_published"]}, {}]
)
def test_where_rows_may_be_left_out_nothing_is_counted(sandbox, narrowed):
    output = load(sandbox, count_published=bool(narrowed), **narrowed)
    assert all(row["published"] is None for row in output.loads.values())
    assert not [request for request in sandbox.requests if request.path.endswith("/entries")]


def test_a_count_that_the_api_refuses_fails_no_stream(sandbox):
    sandbox.faults.add(Fault(status=400, path="/entries", times=None))
    output = load(sandbox, count_published=True)
    assert output.loads["entries_page"]["published"] is None
    assert Counter(output.loads["assets"]["published"]) == locales_of(sandbox, "assets")
    assert "The published items could not be counted" in output.err


def test_a_stream_that_fails_gets_no_row_and_the_others_do(sandbox):
    sandbox.faults.add(Fault(status=400, path="content_type_uid=pet", times=None))
    output = fail(sandbox.settings)
    assert set(output.loads) == set(output.schemas) - {"entries_pet"}


def test_a_stream_whose_delta_has_to_be_read_again_and_then_fails_gets_no_row(sandbox):
    first = load(sandbox)
    token = f"sync_token={first.state['bookmarks']['entries_page']['replication_key_value']}"
    short = json.dumps({"items": [], "total_count": 1, "sync_token": "next"})
    sandbox.faults.add(Fault(kind="html", status=200, body=short, path=token))
    sandbox.faults.add(Fault(status=403, path=token, times=None))
    second = fail(sandbox.settings, state=first.state)
    assert "reading the delta again" in second.err
    assert "entries_page" not in second.loads
    assert "entries_pet" in second.loads


def test_a_connection_test_writes_no_row(sandbox):
    assert run_tap(sandbox.settings, "--test").records(LOADS) == []


def test_a_type_that_is_gone_gets_a_version_above_all_of_its_rows(sandbox):
    first = load(sandbox)
    sandbox.stack.delete_content_type("pet")
    second = load(sandbox, state=first.state)
    row = second.loads["entries_pet"]
    assert row["version"] > first.loads["entries_pet"]["version"]
    assert row["content_type_uid"] == "pet"
    assert row["full_load_at"] is None
    assert "entries_pet" not in load(sandbox, state=second.state).loads


# In all modes


def test_a_combined_stream_has_one_row(sandbox):
    output = load(sandbox, entry_streams="combined").check()
    assert set(output.loads) == {"assets", "entries", *LISTS}
    assert output.loads["entries"]["content_type_uid"] is None


def test_batch_files_carry_the_version_and_the_row_follows_them(sandbox, tmp_path):
    batches = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    output = load(sandbox, batch_config=batches)
    order = [
        each.get("record", {}).get("stream", each["type"])
        for each in output.messages
        if each.get("stream") == "entries_page" or each.get("record", {}).get("stream") == "entries_page"
    ]
    assert order[-2:] == ["ACTIVATE_VERSION", "entries_page"]
    (batch, *_) = output.of_type("BATCH", "entries_page")
    lines = gzip.decompress(Path(batch["manifest"][0].removeprefix("file://")).read_bytes()).splitlines()
    assert {json.loads(line)["_load_version"] for line in lines} == {output.loads["entries_page"]["version"]}


def test_a_row_is_of_the_table_that_a_map_names(sandbox):
    maps = {
        "entries_page": {"__alias__": "pages"},
        "pets": {"__source__": "entries_pet", "uid": "uid", "_publish_locale": "_publish_locale", "__else__": None},
        "assets": None,
        "loads": {"environment": "environment.upper()"},
    }
    output = load(sandbox, stream_maps=maps)
    assert set(output.loads) == {"pages", "pets", "entries_pet", *LISTS}
    assert output.loads["pages"]["environment"] == "PRODUCTION"
    assert {row["_load_version"] for row in output.records("pets")} == {output.loads["pets"]["version"]}


def test_maps_that_leave_all_others_out_have_to_name_it(sandbox):
    assert load(sandbox, stream_maps={"entries_page": {}, "__else__": None}).records(LOADS) == []
    named = load(sandbox, stream_maps={"entries_page": {}, "loads": {}, "__else__": None})
    assert set(named.loads) == {"entries_page"}


def test_no_catalog_deselects_it(sandbox):
    catalog = json.loads(run_tap(sandbox.settings, "--discover").out)
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if entry["tap_stream_id"] == LOADS or metadata["breadcrumb"][-1:] == ["_load_version"]:
                metadata["metadata"]["selected"] = False
    output = load(sandbox, catalog=catalog).check()
    assert set(output.loads) == set(output.schemas)
    catalog["streams"] = [entry for entry in catalog["streams"] if entry["tap_stream_id"] != LOADS]
    for entry in catalog["streams"]:  # made by an earlier version
        entry["schema"]["properties"].pop("_load_version")
    assert set(load(sandbox, catalog=catalog).check().loads) == set(output.schemas)


def test_a_bookmark_from_before_the_column_restarts_its_stream_once(sandbox):
    state = load(sandbox).state
    for bookmark in state["bookmarks"].values():
        del bookmark["types"]["_load_version"]
    second = load(sandbox, state=state)
    assert "lack columns that are selected now: _load_version" in second.err
    assert second.record_counts["entries_page"] == 14
    assert "restarts" not in load(sandbox, state=second.state).err


# What can be read from a target that does nothing but upsert


@pytest.mark.parametrize("mode", ["per_content_type", "combined"])
def test_the_condition_shows_what_is_published_whatever_happened(sandbox, mode):
    target, stack = Upserts(), sandbox.stack
    state: Json | None = None

    def run(**config: object) -> Output:
        nonlocal state
        output = load(sandbox, state=state, **{"entry_streams": mode, **config}).check(history=True)
        target.take(output.messages)
        state = output.state
        return output

    def wanted(locale: str | None = None) -> dict[str, set[Key]]:
        tables: dict[str, set[Key]] = {}
        for name, keys in expected(sandbox).items():
            table = "entries" if mode == "combined" and name.startswith("entries_") else name
            tables.setdefault(table, set()).update(key for key in keys if locale in {None, key[1]})
        return {name: keys for name, keys in tables.items() if keys}

    run()
    assert target.read() == wanted()
    edit(stack)
    run()
    assert target.read() == wanted()
    sandbox.expire_tokens()
    for locale in ("en-us", "fr-fr"):
        stack.unpublish_entry("page", "page3", locale)
    assert "restarts" in run().err
    assert target.read() == wanted()
    run(locales=["fr-fr"])
    assert target.read() == wanted("fr-fr")
    run()
    assert target.read() == wanted()
    stack.delete_content_type("pet")
    run()
    assert target.read() == wanted()
    state = None  # a full refresh
    run()
    assert target.read() == wanted()


def test_a_target_that_is_ahead_of_the_state_is_read_exactly_once_a_run_is_confirmed(sandbox):
    """The output of a restart reaches the target, its states do not: then `=` would lose rows, and `>=` does not."""
    target = Upserts()
    first = load(sandbox)
    target.take(first.messages)
    sandbox.expire_tokens()
    restarted = load(sandbox, state=first.state)
    for cut in (len(restarted.messages) // 2, len(restarted.messages)):
        target.take(restarted.messages[:cut])
        sandbox.behaviour = Behaviour()
        edit(sandbox.stack)
        later = load(sandbox, state=first.state)
        target.take(later.messages)
        assert target.read() == expected(sandbox)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_a_run_that_was_cut_anywhere_is_read_exactly_after_the_next_one(sandbox, share):
    target = Upserts()
    first = load(sandbox)
    target.take(first.messages)
    edit(sandbox.stack)
    sandbox.expire_tokens()
    cut = load(sandbox, state=first.state).messages
    cut = cut[: int(len(cut) * share)]
    target.take(cut)
    states = [each["value"] for each in cut if each["type"] == "STATE"] or [first.state]
    target.take(load(sandbox, state=states[-1]).messages)
    assert target.read() == expected(sandbox)


def test_keys_are_columns_of_the_catalog(sandbox):
    catalog = json.loads(run_tap(sandbox.settings, "--discover").out)
    entries = {each["tap_stream_id"]: each for each in catalog["streams"]}
    assert entries[LOADS]["key_properties"] == ["stream"]
    assert entries["entries_page"]["key_properties"] == ITEM_KEYS
