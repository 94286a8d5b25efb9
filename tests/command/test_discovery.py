"""What the command tells without loading anything: the catalog, what it is, whether its settings work."""

from __future__ import annotations

import json

from tests.command.catalogs import AUTOMATIC
from tests.tap_process import ITEM_KEYS, LIST_KEYS, LISTS, LOADS, load, run_tap


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
