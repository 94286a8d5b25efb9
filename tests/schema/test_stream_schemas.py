"""From content types to JSON schemas."""

from __future__ import annotations

import time
import tracemalloc

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.helpers._flattening import flatten_schema
from singer_sdk.singerlib import Schema
from target_postgres.connector import PostgresConnector

from tap_contentstack.schema import fields
from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.schema.shapes import (
    ANY_JSON,
    DATE_TIME,
    FREE_OBJECT,
    NUMBER,
    TEXT,
    list_of,
    record_of,
    shape_of,
)
from tap_contentstack.schema.table_schema import column_types
from tests.content_models import content_types

ASSET = TEXT | {"contentMediaType": "text/vnd.contentstack.asset-uid"}
REFERENCES = list_of(record_of({"uid": TEXT, "_content_type_uid": TEXT}))
GROUP = record_of({"a": NUMBER, "_metadata": FREE_OBJECT})


def field(data_type, **keys):
    return {"uid": "f", "data_type": data_type, "field_metadata": {}, **keys}


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (field("text"), TEXT),
        (field("text", field_metadata={"markdown": True}), TEXT),
        (field("text", field_metadata={"allow_rich_text": True}), TEXT | {"contentMediaType": "text/html"}),
        (field("text", multiple=True), list_of(TEXT)),
        (field("text", enum={"choices": [{"value": "a"}]}), TEXT),
        (field("number", enum={"choices": [{"value": 1}]}), NUMBER),
        (field("number", multiple=True), list_of(NUMBER)),
        (field("boolean"), {"type": ["boolean", "null"]}),
        (field("isodate"), DATE_TIME),
        (field("isodate", multiple=True), list_of(DATE_TIME)),
        (field("file"), ASSET),
        (field("file", multiple=True), list_of(ASSET)),
        (field("link"), record_of({"title": TEXT, "href": TEXT})),
        (field("reference", reference_to=["a", "b"]), REFERENCES),
        (field("reference", reference_to=["a"], extension_uid="blt1"), REFERENCES),
        (
            field("reference", reference_to="a"),
            list_of(record_of({"uid": TEXT, "_content_type_uid": TEXT | {"default": "a"}})),
        ),
        (field("group", schema=[{"uid": "a", "data_type": "number"}]), GROUP),
        (field("group", schema=[{"uid": "a", "data_type": "number"}], multiple=True), list_of(GROUP)),
        (field("global_field", schema=[{"uid": "a", "data_type": "number"}]), GROUP),
        (field("global_field", reference_to="seo"), FREE_OBJECT),
        (
            field("blocks", blocks=[{"uid": "b", "schema": [{"uid": "a", "data_type": "number"}]}, {"uid": "c"}]),
            list_of(record_of({"b": GROUP, "c": FREE_OBJECT})),
        ),
        (
            field("json", field_metadata={"allow_json_rte": True}),
            FREE_OBJECT | {"contentMediaType": "application/vnd.contentstack.rich-text+json"},
        ),
        (field("json", extension_uid="blt1"), ANY_JSON),
        (field("text", extension_uid="blt1"), TEXT),
        (field("taxonomy", multiple=True), list_of(record_of({"taxonomy_uid": TEXT, "term_uid": TEXT}))),
        ({"uid": "f", "taxonomies": []}, list_of(record_of({"taxonomy_uid": TEXT, "term_uid": TEXT}))),
        (field("hologram"), ANY_JSON),
        (field("hologram", multiple=True), ANY_JSON),
        ({"uid": "f"}, ANY_JSON),
    ],
)
def test_every_kind_of_field_has_its_type(definition, expected):
    assert schemas.entry_schema({"schema": [definition]})["properties"]["f"] == expected


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"display_name": "Score"}, "Score"),
        ({"display_name": "Score", "field_metadata": {"instruction": "From 1\n to 5 "}}, "Score: From 1 to 5"),
        ({"field_metadata": {"instruction": "From 1 to 5"}}, "From 1 to 5"),
        ({"display_name": "x" * 2000}, "x" * 1024),
        ({"display_name": " ", "field_metadata": {"instruction": ""}}, None),
        ({"display_name": 3, "field_metadata": None}, None),
    ],
)
@pytest.mark.parametrize("data_type", ["number", "reference", "hologram"])
def test_a_column_is_described_by_what_editors_read_and_stays_the_same_otherwise(data_type, about, expected):
    plain = {"uid": "f", "data_type": data_type}
    bare = schemas.entry_schema({"schema": [plain]})["properties"]["f"]
    described = schemas.entry_schema({"schema": [plain | about]})["properties"]["f"]
    assert described.get("description") == expected
    assert {key: each for key, each in described.items() if key != "description"} == bare
    assert shape_of(described) == shape_of(bare)
    assert shape_of(described).check is None


def test_only_the_keys_are_required():
    schema = schemas.entry_schema({"schema": [{"uid": "title", "data_type": "text", "mandatory": True}]})
    assert schema["required"] == ["uid", "_publish_locale"]
    assert [name for name, each in schema["properties"].items() if "null" not in each.get("type", ["null"])] == schema[
        "required"
    ]


def test_a_page_has_an_url_and_a_field_never_replaces_a_system_column():
    page = {"options": {"is_page": True}, "schema": [{"uid": "locale", "data_type": "number"}]}
    assert schemas.entry_schema(page)["properties"]["url"] == TEXT
    assert schemas.entry_schema(page)["properties"]["locale"] == TEXT
    assert "url" not in schemas.entry_schema({})["properties"]


@pytest.mark.parametrize(("fields", "columns"), [(["URL"], {"url"}), (["url", "URL"], {"url"}), (["url"], {"url"})])
def test_a_field_never_has_the_name_of_a_pages_url_in_other_letters(fields, columns):
    page = {"options": {"is_page": True}, "schema": [{"uid": uid, "data_type": "text"} for uid in fields]}
    names = schemas.entry_schema(page)["properties"].keys()
    assert {name for name in names if name.casefold() == "url"} == columns


def test_unknown_data_types_are_told_by_path():
    inner = {"uid": "in", "data_type": "hologram"}
    content_type = {
        "schema": [
            {"uid": "a", "data_type": "group", "schema": [inner]},
            {"uid": "b", "data_type": "blocks", "blocks": [{"uid": "c", "schema": [inner]}]},
            {"uid": "d", "data_type": "text"},
        ],
    }
    assert schemas.unknown_data_types(content_type) == {"a.in": "hologram", "b.c.in": "hologram"}


ALL_SCHEMAS = {
    "entries": schemas.entry_schema(
        {"schema": [field(each.data_type) | {"uid": f"f{n}"} for n, each in enumerate(fields.FIELD_TYPES)]}
    ),
    "combined": schemas.combined_schema(),
    "assets": schemas.asset_schema(),
    "content_types": schemas.definition_schema(),
    "global_fields": schemas.definition_schema(),
    "taxonomies": schemas.taxonomy_schema(),
    "taxonomy_terms": schemas.term_schema(),
    "loads": schemas.loads_schema(),
}


@pytest.mark.parametrize("schema", ALL_SCHEMAS.values(), ids=ALL_SCHEMAS)
def test_the_sdk_keeps_every_keyword(schema):
    assert Schema.from_dict(schema).to_dict() == schema


@pytest.mark.parametrize("schema", ALL_SCHEMAS.values(), ids=ALL_SCHEMAS)
def test_every_column_names_its_type_at_the_top(schema):
    """Several targets stop at a column that does not."""
    assert [name for name, each in schema["properties"].items() if not each.get("type")] == []


@pytest.mark.parametrize("schema", ALL_SCHEMAS.values(), ids=ALL_SCHEMAS)
def test_flattening_loses_no_column(schema):
    flat = flatten_schema(schema, max_level=3)["properties"]
    assert all(
        any(name == column or name.startswith(f"{column}__") for name in flat) for column in schema["properties"]
    )


POSTGRES = {
    "string": "TEXT",
    "date-time": "TIMESTAMP",
    "number": "DECIMAL",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "object": "JSONB",
    "array": "JSONB",
    "json": "JSONB",
}


@pytest.mark.parametrize("schema", ALL_SCHEMAS.values(), ids=ALL_SCHEMAS)
def test_every_column_has_its_type_in_postgres(schema):
    connector = PostgresConnector({"sqlalchemy_url": "postgresql://nowhere/nothing"})
    types = {name: str(connector.to_sql_type(schema["properties"][name])) for name in schema["properties"]}
    kinds = column_types(schema)
    assert {name: types[name] for name in kinds} == {name: POSTGRES[kind] for name, kind in kinds.items()}
    assert types.get("_references", "JSONB") == types.get("_unmapped", "JSONB") == "JSONB"


@settings(deadline=None, max_examples=30, print_blob=True)
@given(st.data())
def test_schemas_of_any_content_type_are_schemas(data):
    content_type, _ = data.draw(content_types())
    schema = schemas.entry_schema(content_type)
    jsonschema.Draft202012Validator.check_schema(schema)
    columns = schemas.entry_columns(content_type)
    assert set(columns.values()) <= schema["properties"].keys()
    assert len({name.lower() for name in schema["properties"]}) == len(schema["properties"])


@pytest.mark.parametrize(
    "broken",
    [{}, {"schema": None}, {"schema": [None, 5, {}]}, {"schema": [{"uid": "a", "schema": 5, "data_type": "group"}]}],
)
def test_a_content_type_that_is_not_as_documented_has_a_schema_all_the_same(broken):
    assert schemas.entry_schema(broken)["properties"].keys() >= schemas.ADDED_COLUMNS.keys()


def test_the_table_of_types_names_every_row():
    rows = fields.field_type_table().splitlines()
    assert len(rows) == len(fields.FIELD_TYPES) + 1
    assert all(row.count("|") == 5 for row in rows)


def test_500_content_types_of_100_fields_take_seconds_and_little_memory():
    definitions = [field("text") | {"uid": f"f{number}"} for number in range(100)]
    tracemalloc.start()
    start = time.process_time()
    made = [schemas.entry_schema({"uid": f"type{number}", "schema": definitions}) for number in range(500)]
    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(made) == 500
    assert seconds < 30
    assert peak < 200 * 2**20
