"""A catalog of an earlier day: what the stack has since is not lost, and the log says what to do."""

from __future__ import annotations

import json

import pytest

from sandbox import Sandbox, Stack
from tests.command.catalogs import entry_of
from tests.tap_process import load, run_tap

FIELDS = [{"uid": "title", "data_type": "text"}, {"uid": "price", "data_type": "number"}]


@pytest.fixture
def output():
    stack = Stack(seed=5)
    stack.add_content_type({"uid": "product", "title": "Product", "schema": FIELDS})
    with Sandbox(stack) as sandbox:
        catalog = json.loads(run_tap(sandbox.settings, "--discover").out)
        stack.change_content_type(
            "product",
            schema=[FIELDS[0], {"uid": "price", "data_type": "text"}, {"uid": "colour", "data_type": "text"}],
        )
        stack.publish_entry("product", "p1", {"title": "One", "price": "cheap", "colour": "red"}, ["en-us"])
        return load(sandbox, catalog=catalog)


def test_a_type_that_differs_from_the_catalogs_is_named(output):
    assert "Field 'price' is of type string now; its column stays number" in output.err


def test_a_field_that_the_catalog_lacks_is_named(output):
    assert "The catalog does not have the fields colour; their values go to _unmapped" in output.err


def test_no_value_is_lost(output):
    [record] = output.records("entries_product")
    assert record["price"] is None
    assert record["_unmapped"] == {"price": "cheap", "colour": "red"}


def test_a_field_that_a_pinned_catalog_lacks_is_loaded_for_all_rows_once_it_is_there(small):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    del entry_of(catalog, "entries_page")["schema"]["properties"]["price"]
    first = load(small, catalog=catalog).check()
    second = load(small, state=first.state).check()
    assert {row["price"] for row in second.tables(first)["entries_page"].values()} == {1.5}


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
