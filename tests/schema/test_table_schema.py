"""Columns keep the type that their table has."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.schema.shapes import BY_KIND, TEXT
from tap_contentstack.schema.table_schema import column_types, keep_types, table_schema
from tests.content_models import content_types


@pytest.mark.parametrize("kind", BY_KIND)
def test_a_remembered_type_is_the_one_that_it_was(kind):
    assert column_types({"properties": {"a": BY_KIND[kind]}}) == {"a": kind}


def test_columns_that_the_tap_adds_are_not_remembered():
    assert (
        column_types(schemas.entry_schema({})).keys()
        == schemas.entry_schema({})["properties"].keys() - schemas.ADDED_COLUMNS.keys()
    )


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("string", "number", True),
        ("number", "string", True),
        ("date-time", "string", True),
        ("string", "date-time", True),
        ("boolean", "number", True),
        ("array", "string", True),
        ("string", "json", True),
        ("integer", "number", True),
        ("number", "integer", False),
        ("array", "object", False),
        ("json", "array", False),
        ("string", "string", False),
        ("nonsense", "string", False),
        (None, "string", False),
        (["string"], "number", False),
    ],
)
def test_a_column_keeps_the_type_of_its_table(old, new, kept):
    schema = {"properties": {"uid": {"type": "string"}, "a": BY_KIND[new]}}
    frozen, changes = keep_types(schema, {"a": old, "uid": "number"})
    assert frozen["properties"] == schema["properties"] | ({"a": BY_KIND[old]} if kept else {})
    assert changes == ([("a", old, new)] if kept else [])


def test_columns_of_fields_that_are_gone_stay_and_one_of_the_same_letters_keeps_their_type():
    """Many targets fold the case of names: to them it is the same column."""
    schema = schemas.entry_schema({"schema": [{"uid": "Price", "data_type": "number"}]})
    remembered = {
        "gone": "number",
        "price": "string",
        "_unmapped": "string",
        "odd": ["x"],
        "_sdc_table_version": "number",
    }
    kept, changes = keep_types(schema, remembered)
    assert kept["properties"].keys() - schema["properties"].keys() == {"gone"}
    assert kept["properties"]["Price"] == TEXT
    assert changes == [("Price", "string", "number")]


def test_keeping_types_leaves_the_given_schema_alone():
    schema = {"properties": {"a": dict(TEXT)}}
    keep_types(schema, {"a": "number"})
    assert schema == {"properties": {"a": TEXT}}


def test_only_the_key_is_required_whatever_a_catalog_says():
    found = schemas.entry_schema({"schema": [{"uid": "title", "data_type": "text"}]})
    catalogued = {**found, "required": [*found["required"], "title"]}
    kept = table_schema(found, catalogued, keys=schemas.KEY_COLUMNS, first_types={})
    assert kept.schema["required"] == list(schemas.KEY_COLUMNS)


@settings(deadline=None, max_examples=30, print_blob=True)
@given(st.data())
def test_a_table_can_be_described_by_its_types_alone(data):
    content_type, _ = data.draw(content_types())
    schema = schemas.entry_schema(content_type)
    types = column_types(schema)
    described = schemas.schema_from_types(types)
    assert column_types(described) == types
    assert described["required"] == schema["required"]
    assert schemas.schema_from_types({"x": "nonsense"})["properties"].keys() == {"uid", *schemas.ADDED_COLUMNS}
