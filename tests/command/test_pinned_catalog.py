"""A catalog of an earlier day: what the stack has since is not lost, and the log says what to do."""

from __future__ import annotations

import json

import pytest

from sandbox import Sandbox, Stack
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
