"""Selection: what is deselected costs nothing and appears nowhere, and what is selected later is loaded in full."""

from __future__ import annotations

import copy
import gzip
import json

import pytest

from sandbox import Sandbox, Stack
from tests.command.catalogs import AUTOMATIC, entry_of, select
from tests.tap_process import LISTS, Json, keys_of, load, published, run_tap


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
    assert output.tables()["entries_event"] == expected


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


def test_a_single_selected_column_brings_the_automatic_ones_along(site, catalog):
    for metadata in entry_of(catalog, "entries_story")["metadata"]:
        if metadata["breadcrumb"]:
            metadata["metadata"]["selected"] = metadata["breadcrumb"] == ["properties", "title"]
    output = load(site, catalog=catalog).check(history=True)
    for row in output.records("entries_story"):
        assert row.keys() == AUTOMATIC | {"title"}
