"""Catalogs that users edit: what they leave out or force."""

from __future__ import annotations

import json

import pytest

from tests.command.catalogs import entry_of
from tests.tap_process import LISTS, load, run_tap


def test_a_catalog_does_not_change_the_types_of_the_columns_that_the_tap_fills(small):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    columns = entry_of(catalog, "entries_page")["schema"]["properties"]
    for column in ("_sync_type", "_sync_event_at", "_sdc_deleted_at", "_references", "_unmapped", "_load_version"):
        columns[column] = {"type": ["boolean", "null"]}
    first = load(small, catalog=catalog).check()
    small.stack.unpublish_entry("page", "page1", "en-us")
    second = load(small, catalog=catalog, state=first.state).check()
    assert set(second.tables(first)["entries_page"]) == {("page1", "fr-fr")}


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
