"""Catalogs, selection, and what the SDK offers on top, with the real command and on all streams."""

from __future__ import annotations

import copy
import gzip
import json
import typing as t
from pathlib import Path

import pytest

from sandbox.service import Sandbox
from sandbox.stack import Stack
from tests.tap_process import (
    ITEM_KEYS,
    LIST_KEYS,
    LISTS,
    LOADS,
    Json,
    Output,
    Tables,
    keys_of,
    load,
    published,
    run_tap,
)

AUTOMATIC = {"uid", "_publish_locale", "_sync_type", "_sdc_deleted_at", "_load_version"}


@pytest.fixture(scope="module")
def plain(site) -> Output:
    return load(site).check(history=True)


@pytest.fixture(scope="module")
def discovered(site) -> Json:
    output = run_tap(site.settings, "--discover")
    assert output.code == 0, output.err
    return t.cast("Json", json.loads(output.out))


@pytest.fixture
def catalog(discovered) -> Json:
    return copy.deepcopy(discovered)


def entry_of(catalog: Json, stream: str) -> Json:
    return next(each for each in catalog["streams"] if each["tap_stream_id"] == stream)


def select(catalog: Json, stream: str, *path: str, selected: bool) -> None:
    """Select or deselect a stream, or a column at any depth."""
    breadcrumb = [step for name in path for step in ("properties", name)]
    entry = entry_of(catalog, stream)
    for metadata in entry["metadata"]:
        if metadata["breadcrumb"] == breadcrumb:
            metadata["metadata"]["selected"] = selected
            return
    entry["metadata"].append({"breadcrumb": breadcrumb, "metadata": {"inclusion": "available", "selected": selected}})


def without_extras(tables: Tables) -> Tables:
    """Leave out what differs from run to run, and nulls that a record may as well not have."""
    extra = {"_sdc_table_version"}
    return {
        name: {
            key: {column: value for column, value in row.items() if column not in extra and value is not None}
            for key, row in table.items()
        }
        for name, table in tables.items()
        if table
    }


# Discovery


def test_discovery_finds_a_stream_for_each_content_type_and_all_others(site, discovered):
    streams = {each["tap_stream_id"]: each for each in discovered["streams"]}
    assert set(streams) == {
        *("assets", LOADS),
        *LISTS,
        *(f"entries_{uid}" for uid in site.stack.content_types),
    }
    for name, entry in streams.items():
        keys = {**LIST_KEYS, LOADS: ["stream"]}.get(name, ITEM_KEYS)
        assert entry["key_properties"] == entry["schema"]["required"] == keys
        assert entry["replication_method"] == ("FULL_TABLE" if name in {*LISTS, LOADS} else "INCREMENTAL")
        metadata = {tuple(each["breadcrumb"]): each["metadata"] for each in entry["metadata"]}
        assert metadata[()]["table-key-properties"] == keys
        assert metadata[()].get("selected", True) or metadata[()]["inclusion"] == "available"
        for column in AUTOMATIC & entry["schema"]["properties"].keys():
            assert metadata["properties", column]["inclusion"] == "automatic"


def test_discovery_asks_for_content_types_alone_and_does_not_change(site, discovered):
    site.requests.clear()
    assert json.loads(run_tap(site.settings, "--discover").out) == discovered
    assert [request.path for request in site.requests] == ["/v3/content_types"]


def test_a_run_with_the_discovered_catalog_is_the_same_as_without_any(site, plain, catalog):
    output = load(site, catalog=catalog).check(history=True)
    assert output.schemas == plain.schemas
    assert output.tables() == plain.tables()


def test_the_installed_command_prints_what_it_is():
    text = run_tap(None, "--about", installed=True)
    assert text.code == 0
    assert b"TAP_CONTENTSTACK" in text.out or b"tap-contentstack" in text.out
    about = json.loads(run_tap(None, "--about", "--format=json").out)
    assert about["name"] == "tap-contentstack"
    settings = about["settings"]["properties"]
    assert settings["access_token"]["secret"] is True
    assert {"api_key", "region", "on_scope_change", "stream_maps", "batch_config"} <= set(settings)
    assert set(about["settings"]["required"]) == {"api_key", "access_token", "environment"}
    markdown = run_tap(None, "--about", "--format=markdown").out.decode()
    for name in settings:
        assert name in markdown


def test_a_connection_test_reads_a_record_of_each_stream_and_keeps_no_bookmark(site):
    output = run_tap(site.settings, "--test")
    assert output.code == 0
    assert "OK: the settings work" in output.last_line
    assert set(output.record_counts) == set(output.schemas)
    assert set(output.record_counts.values()) == {1}
    assert output.of_type("ACTIVATE_VERSION") == []
    for state in output.states:
        for bookmark in state["bookmarks"].values():
            assert bookmark["replication_key_value"] is bookmark["pagination_token"] is None


def test_a_schema_test_writes_each_schema_once_and_nothing_else(site, plain):
    output = run_tap(site.settings, "--test=schema")
    assert output.code == 0
    assert [each["type"] for each in output.messages] == ["SCHEMA"] * len([*plain.schemas, LOADS])
    assert output.schemas == plain.schemas


# Selection


def test_a_deselected_stream_asks_for_nothing_and_keeps_its_bookmark(site, plain, catalog):
    select(catalog, "entries_author", selected=False)
    select(catalog, "assets", selected=False)
    site.requests.clear()
    output = load(site, catalog=catalog, state=plain.state)
    assert {"entries_author", "assets"} & set(output.schemas) == set()
    token = plain.state["bookmarks"]["entries_author"]["replication_key_value"]
    assert token not in {request.params.get("sync_token") for request in site.requests}
    for name in ("entries_author", "assets"):
        assert output.state["bookmarks"][name] == plain.state["bookmarks"][name]


def test_deselected_columns_are_neither_in_schemas_nor_in_rows_nor_unmapped(site, plain, catalog):
    gone = {"body", "tags", "_references", "_sync_event_at"}
    for column in gone:
        select(catalog, "entries_story", column, selected=False)
    select(catalog, "assets", "url", selected=False)
    select(catalog, "content_types", "schema", selected=False)
    output = load(site, catalog=catalog).check(history=True)
    before, after = plain.tables(), output.tables()
    assert gone.isdisjoint(output.schemas["entries_story"]["properties"])
    for key, row in before["entries_story"].items():
        assert after["entries_story"][key] == {column: value for column, value in row.items() if column not in gone}
    assert all("url" not in row for row in after["assets"].values())
    assert all("schema" not in row for row in after["content_types"].values())
    assert after["entries_author"] == before["entries_author"]


@pytest.mark.parametrize("column", ["title", "price", "_references", "_content_type_uid", "_unmapped"])
def test_a_column_that_is_selected_later_is_loaded_for_all_rows(small, column):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    select(catalog, "entries_page", column, selected=False)
    first = load(small, catalog=catalog).check()
    assert column not in first.records("entries_page")[0]
    second = load(small, state=first.state).check()
    assert f"The stream restarts, as its rows lack columns that are selected now: {column}" in second.err
    assert second.tables(first)["entries_page"] == load(small).tables()["entries_page"]
    assert "entries_tag" not in second.record_counts
    third = load(small, state=second.state).check()
    assert set(third.record_counts) <= LISTS


def test_a_column_that_was_left_out_for_a_while_is_loaded_for_all_rows(small):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    first = load(small).check()
    select(catalog, "entries_page", "price", selected=False)
    small.stack.publish_entry("page", "page1", {"title": "one", "price": 2}, ["en-us"])
    second = load(small, catalog=catalog, state=first.state).check()
    assert second.record_counts["entries_page"] == 1
    third = load(small, state=second.state).check()
    prices = {key: row["price"] for key, row in third.tables(second, first)["entries_page"].items()}
    assert prices == {("page1", "en-us"): 2, ("page1", "fr-fr"): 1.5}


def test_a_new_field_is_a_new_column_and_no_reason_to_start_over(small):
    first = load(small)
    small.stack.change_content_type("page", schema=[{"uid": uid, "data_type": "text"} for uid in ("title", "colour")])
    small.stack.publish_entry("page", "page1", {"colour": "red"}, ["en-us"])
    second = load(small, state=first.state).check()
    assert [record["colour"] for record in second.records("entries_page")] == ["red"]


def test_a_field_that_a_pinned_catalog_lacks_is_loaded_for_all_rows_once_it_is_there(small):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    del entry_of(catalog, "entries_page")["schema"]["properties"]["price"]
    first = load(small, catalog=catalog).check()
    second = load(small, state=first.state).check()
    assert {row["price"] for row in second.tables(first)["entries_page"].values()} == {1.5}


def test_a_content_type_that_is_gone_leaves_an_empty_table_though_it_is_deselected(small):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    first = load(small, catalog=catalog)
    small.stack.delete_content_type("tag")
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            metadata["metadata"]["selected"] = entry["tap_stream_id"] != "entries_tag"
    second = load(small, catalog=catalog, state=first.state).check(history=True)
    assert not second.tables(first)["entries_tag"]


def test_a_column_inside_of_a_column_can_be_deselected(site, plain, catalog):
    select(catalog, "entries_event", "venue", "address", "street", selected=False)
    output = load(site, catalog=catalog).check(history=True)
    expected = copy.deepcopy(plain.tables()["entries_event"])
    for row in expected.values():
        if row["venue"]:
            row["venue"]["address"].pop("street")
    assert without_extras(output.tables())["entries_event"] == without_extras({"": expected})[""]


THROUGH_THE_SDK = {
    "lines": lambda _: {},
    "stream maps": lambda _: {"stream_maps": {"*": {"__filter__": "True"}}},
    "batch files": lambda root: {
        "batch_config": {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": str(root)}}
    },
}


@pytest.mark.parametrize("settings_of", THROUGH_THE_SDK.values(), ids=THROUGH_THE_SDK)
@pytest.mark.parametrize("streams", ["per_content_type", "combined"])
def test_what_is_deselected_appears_nowhere(tmp_path, settings_of, streams):
    schema = [
        {"uid": "title", "data_type": "text"},
        {"uid": "secret", "data_type": "number"},
        {"uid": "photo", "data_type": "file"},
        {"uid": "open", "data_type": "number"},
        {
            "uid": "group",
            "data_type": "group",
            "schema": [
                {"uid": "secret", "data_type": "number"},
                {"uid": "photo", "data_type": "file"},
                {"uid": "open", "data_type": "number"},
            ],
        },
        {"uid": "list", "data_type": "group", "schema": [{"uid": "secret", "data_type": "number"}]},
    ]
    inner: Json = {"secret": "hidden 1", "photo": "hidden2", "open": "shown 1"}
    item: Json = {"secret": "hidden 3", "photo": "hidden4", "open": "shown 2", "group": inner}
    item["list"] = [{"secret": "hidden 5", "other": "shown 3"}]
    stack = Stack()
    stack.add_content_type({"uid": "page", "schema": schema})
    stack.publish_entry("page", "page1", {"title": "one", **item}, ["en-us"])
    with Sandbox(stack) as sandbox:
        settings = sandbox.settings | {"entry_streams": streams} | settings_of(tmp_path)
        catalog = json.loads(run_tap(settings, "--discover").out)
        stream, prefix = ("entries", ["data"]) if streams == "combined" else ("entries_page", [])
        for path in (["secret"], ["photo"], ["group", "secret"], ["group", "photo"], ["list", "secret"]):
            select(catalog, stream, *prefix, *path, selected=False)
        output = run_tap(settings, catalog=catalog)
    text = (output.out + b"".join(gzip.decompress(path.read_bytes()) for path in tmp_path.glob("*.gz"))).decode()
    assert "hidden" not in text
    assert all(text.count(each) for each in ("shown 1", "shown 2", "shown 3"))


def test_automatic_columns_cannot_be_deselected(site, catalog):
    for column in AUTOMATIC:
        select(catalog, "entries_story", column, selected=False)
    output = load(site, catalog=catalog).check(history=True)
    assert set(output.schemas["entries_story"]["properties"]) >= AUTOMATIC
    assert all(row.keys() >= AUTOMATIC for row in output.records("entries_story"))
    assert keys_of(output.tables()) == keys_of(published(site))


def test_a_catalog_does_not_change_the_types_of_the_columns_that_the_tap_fills(small):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    columns = entry_of(catalog, "entries_page")["schema"]["properties"]
    for column in ("_sync_type", "_sync_event_at", "_sdc_deleted_at", "_references", "_unmapped", "_load_version"):
        columns[column] = {"type": ["boolean", "null"]}
    first = load(small, catalog=catalog).check()
    small.stack.unpublish_entry("page", "page1", "en-us")
    second = load(small, catalog=catalog, state=first.state).check()
    assert set(second.tables(first)["entries_page"]) == {("page1", "fr-fr")}


def test_a_single_selected_column_brings_the_automatic_ones_along(site, catalog):
    for metadata in entry_of(catalog, "entries_story")["metadata"]:
        if metadata["breadcrumb"]:
            metadata["metadata"]["selected"] = metadata["breadcrumb"] == ["properties", "title"]
    output = load(site, catalog=catalog).check(history=True)
    for row in output.records("entries_story"):
        assert row.keys() == AUTOMATIC | {"title"}


def test_a_catalog_without_replication_keys_changes_nothing(site, plain, catalog):
    for entry in catalog["streams"]:
        for key in ("replication_key", "replication_method", "key_properties"):
            entry.pop(key, None)
        for metadata in entry["metadata"]:
            metadata["metadata"].pop("valid-replication-keys", None)
    output = load(site, catalog=catalog, state=plain.state).check(history=True)
    assert set(output.record_counts) <= LISTS
    assert output.state["bookmarks"]["assets"]["replication_key"] == "sync_token"


@pytest.mark.parametrize("where", ["entry", "replication-method", "forced-replication-method"])
def test_a_forced_full_table_makes_an_initial_pass_and_keeps_a_token(site, plain, catalog, where):
    entry = entry_of(catalog, "entries_author")
    if where == "entry":
        entry["replication_method"] = "FULL_TABLE"
    else:
        root = next(each for each in entry["metadata"] if not each["breadcrumb"])
        root["metadata"][where] = "FULL_TABLE"
    output = load(site, catalog=catalog, state=plain.state).check(history=True)
    assert output.tables()["entries_author"] == plain.tables()["entries_author"]
    assert "entries_story" not in output.record_counts
    before, after = (each.state["bookmarks"]["entries_author"] for each in (plain, output))
    assert after["version"] > before["version"]
    assert after["replication_key_value"]


def test_a_pinned_catalog_keeps_new_fields_in_unmapped(small):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    first = load(small, catalog=catalog)
    fields = [{"uid": name, "data_type": "text"} for name in ("title", "colour")]
    small.stack.change_content_type("page", schema=fields)
    small.stack.publish_entry("page", "page2", {"title": "two", "colour": "red", "price": 2}, ["en-us"])
    second = load(small, catalog=catalog, state=first.state).check()
    assert second.schemas["entries_page"] == first.schemas["entries_page"]
    (record,) = second.records("entries_page")
    assert record["price"] == 2
    assert record["_unmapped"] == {"colour": "red"}


def test_a_pinned_catalog_of_old_types_and_of_types_that_are_gone_still_works(small):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    first = load(small, catalog=catalog)
    small.stack.delete_content_type("tag")
    small.stack.add_content_type({"uid": "car", "schema": [{"uid": "title", "data_type": "text"}]})
    small.stack.publish_entry("car", "car1", {}, ["en-us"])
    second = load(small, catalog=catalog, state=first.state).check(history=True)
    assert not second.tables(first)["entries_tag"]
    assert "entries_car" not in second.record_counts


# Stream maps, flattening, batches


def test_stream_maps_rename_compute_and_remove(site, plain):
    maps = {
        "entries_story": {"shout": "title.upper() if title else None", "body": None, "__alias__": "stories"},
        "assets": {"__source__": "assets", "size": "int(file_size) if file_size else None"},
        "content_types": {"schema": None},
        "entries_topic": None,
    }
    output = load(site, stream_maps=maps).check(history=True)
    before, after = plain.tables(), output.tables()
    assert "entries_story" not in output.schemas
    assert "entries_topic" not in output.record_counts
    assert set(after["stories"]) == set(before["entries_story"])
    for key, row in after["stories"].items():
        assert row["shout"] == before["entries_story"][key]["title"].upper()
        assert "body" not in row
    assert all(row["size"] == int(row["file_size"]) for row in after["assets"].values())
    assert after["entries_author"] == before["entries_author"]
    assert {each["stream"] for each in output.of_type("ACTIVATE_VERSION")} >= {"stories", "assets"}


def test_stream_maps_else_leaves_all_other_streams_out(site, plain):
    output = load(site, stream_maps={"assets": {}, "__else__": None})
    assert set(output.record_counts) == {"assets"}
    assert output.of_type("SCHEMA", LOADS) == []
    columns = output.schemas["assets"]["properties"].keys() - {"_load_version"}
    assert output.tables()["assets"] == {
        key: dict.fromkeys(columns) | row for key, row in plain.tables()["assets"].items()
    }


def test_a_filter_of_stream_maps_lets_tombstones_through_that_it_matches(small):
    config = {"stream_maps": {"entries_page": {"__filter__": "_publish_locale == 'en-us'"}}}
    first = load(small, **config)
    assert set(first.tables()["entries_page"]) == {("page1", "en-us")}
    small.stack.delete_entry("page", "page1")
    second = load(small, state=first.state, **config)
    assert second.tables(first)["entries_page"] == {}
    assert second.record_counts["entries_page"] == 1


def test_flattening_splits_columns_and_keeps_all_rows(site, plain):
    output = load(site, flattening_enabled=True, flattening_max_depth=2).check(history=True)
    before, after = plain.tables(), output.tables()
    assert keys_of(after) == keys_of(before)
    for key, row in after["entries_event"].items():
        venue = before["entries_event"][key]["venue"]
        assert row["venue__name"] == venue["name"]
        assert row["publish_details__locale"] == key[1]
        assert "venue" not in row
    assert "venue__name" in output.schemas["entries_event"]["properties"]


def test_batch_files_hold_the_same_rows_with_their_version(site, plain, tmp_path):
    config = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    output = load(site, batch_config={**config, "batch_size": 20})
    assert not output.record_counts
    rows: Tables = {}
    for message in output.of_type("BATCH"):
        stream = message["stream"]
        version = output.state["bookmarks"][stream]["version"]
        for file in message["manifest"]:
            lines = gzip.decompress(Path(file.removeprefix("file://")).read_bytes()).splitlines()
            assert 0 < len(lines) <= 20
            for line in lines:
                row = json.loads(line)
                assert row["_sdc_table_version"] == version
                assert row.pop("_load_version") == version
                key = tuple(row[column] for column in LIST_KEYS.get(stream, ITEM_KEYS))
                assert key not in rows.setdefault(stream, {})
                rows[stream][key] = row
    assert without_extras(rows) == without_extras(plain.tables())
    for stream, bookmark in output.state["bookmarks"].items():
        order = [each["type"] for each in output.messages if each.get("stream") == stream]
        assert order[0] == "SCHEMA"
        assert order[-1] == "ACTIVATE_VERSION"
        assert output.schemas[stream]["properties"]["_sdc_table_version"]
        assert output.of_type("ACTIVATE_VERSION", stream)[0]["version"] == bookmark["version"]


def test_the_version_of_batch_files_cannot_be_deselected(small, tmp_path):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    select(catalog, "entries_page", "_sdc_table_version", selected=False)
    config = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    output = load(small, batch_config=config, catalog=catalog)
    assert output.schemas["entries_page"]["properties"]["_sdc_table_version"]["type"] == ["integer", "null"]


def test_batch_files_bring_deltas_as_well(small, tmp_path):
    config = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    first = load(small, batch_config=config)
    small.stack.unpublish_entry("page", "page1", "fr-fr")
    second = load(small, batch_config=config, state=first.state)
    (message,) = second.of_type("BATCH", "entries_page")
    rows = [
        json.loads(line)
        for file in message["manifest"]
        for line in gzip.decompress(Path(file.removeprefix("file://")).read_bytes()).splitlines()
    ]
    assert [(row["uid"], row["_publish_locale"], row["_sync_type"]) for row in rows] == [
        ("page1", "fr-fr", "entry_unpublished")
    ]
    assert "STATE" in [each["type"] for each in second.messages[second.messages.index(message) :]]


@pytest.mark.parametrize(
    "extra",
    [
        {"stream_maps": {"entries": {"title": None}}},
        {"flattening_enabled": True, "flattening_max_depth": 1},
    ],
    ids=["stream maps", "flattening"],
)
def test_the_combined_stream_takes_part_in_all_of_it(site, extra):
    output = load(site, entry_streams="combined", **extra).check(history=True)
    expected = {(uid, locale) for _, uid, locale in site.published_entries()}
    assert set(output.tables()["entries"]) == expected
