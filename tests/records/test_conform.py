"""What fits a column, what is normalised, and what goes to `_unmapped` under which path."""

from __future__ import annotations

from decimal import Decimal

import jsonschema
import pytest

from tap_contentstack.records.codec import Codec
from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.schema.shapes import BOOLEAN, DATE_TIME, INTEGER, NUMBER, TEXT

GROUP = [
    {"uid": "a", "data_type": "number"},
    {"uid": "b", "data_type": "group", "schema": [{"uid": "c", "data_type": "text"}]},
]
FIELDS: dict[str, dict[str, object]] = {
    "text": {"data_type": "text"},
    "texts": {"data_type": "text", "multiple": True},
    "number": {"data_type": "number"},
    "flag": {"data_type": "boolean"},
    "at": {"data_type": "isodate"},
    "file": {"data_type": "file"},
    "files": {"data_type": "file", "multiple": True},
    "link": {"data_type": "link"},
    "refs": {"data_type": "reference", "reference_to": ["blog"]},
    "old_refs": {"data_type": "reference", "reference_to": "blog"},
    "group": {"data_type": "group", "schema": GROUP},
    "groups": {"data_type": "group", "schema": GROUP, "multiple": True},
    "blocks": {"data_type": "blocks", "blocks": [{"uid": "hero", "schema": GROUP}]},
    "rich": {"data_type": "json", "field_metadata": {"allow_json_rte": True}},
    "custom": {"data_type": "json", "extension_uid": "blt1"},
    "terms": {"data_type": "taxonomy", "multiple": True},
}
ENTRY = schemas.entry_schema({"schema": [{"uid": uid} | each for uid, each in FIELDS.items()]})
ASSET = {"uid": "asset1", "filename": "a.png"}


def conform(item, schema=ENTRY):
    exact = Codec(schema).exact({"uid": "e1", **item})
    record = {key: value for key, value in exact.record.items() if key != "uid"}
    return record, exact.unmapped


@pytest.mark.parametrize(
    "item",
    [
        {"text": ""},
        {"texts": ["a", None]},
        {"texts": []},
        {"number": 0},
        {"number": -1.5},
        {"number": Decimal("0.10000000000000000000000001")},
        {"number": 10**30},
        {"flag": False},
        {"at": "2024-02-29T10:00:00.000Z"},
        {"at": "0001-01-01T00:00:00Z"},
        {"file": "asset1"},
        {"link": {"title": "a", "href": None}},
        {"refs": [{"uid": "e2", "_content_type_uid": "blog"}]},
        {"group": {"a": 1, "b": {"c": "x"}, "_metadata": {"uid": "cs1"}}},
        {"groups": [{"a": 1}, {}]},
        {"blocks": [{"hero": {"a": 1, "_metadata": {"uid": "cs1"}}}]},
        {"rich": {"type": "doc", "children": [{"any": [1, None]}]}},
        {"custom": {"any": 1}},
        {"custom": [1, "a"]},
        {"custom": "text"},
        {"custom": 5},
        {"terms": [{"taxonomy_uid": "colour", "term_uid": "red"}]},
        dict.fromkeys(FIELDS),
        {},
    ],
    ids=repr,
)
def test_what_fits_stays_as_it_is(item):
    assert conform(item) == (item, {})


@pytest.mark.parametrize(
    ("item", "column", "unmapped"),
    [
        ({"text": 5}, None, {"text": 5}),
        ({"text": ["a"]}, None, {"text": ["a"]}),
        ({"texts": "a"}, None, {"texts": "a"}),
        ({"texts": ["a", 5, "b"]}, ["a", None, "b"], {"texts[1]": 5}),
        ({"number": "5"}, None, {"number": "5"}),
        ({"number": True}, None, {"number": True}),
        ({"number": ""}, None, {"number": ""}),
        ({"number": Decimal("1e400")}, None, {"number": Decimal("1e400")}),
        ({"number": -(10**400)}, None, {"number": -(10**400)}),
        ({"flag": 1}, None, {"flag": 1}),
        ({"flag": "true"}, None, {"flag": "true"}),
        ({"at": "yesterday"}, None, {"at": "yesterday"}),
        ({"at": "2024-13-01"}, None, {"at": "2024-13-01"}),
        ({"at": "10000-01-01T00:00:00Z"}, None, {"at": "10000-01-01T00:00:00Z"}),
        ({"at": "0000-01-01T00:00:00Z"}, None, {"at": "0000-01-01T00:00:00Z"}),
        ({"at": "0001-01-01T00:00:00+01:00"}, None, {"at": "0001-01-01T00:00:00+01:00"}),
        ({"at": 1700000000}, None, {"at": 1700000000}),
        ({"at": "2024-01-01T24:00:00Z"}, None, {"at": "2024-01-01T24:00:00Z"}),
        ({"at": "20240101"}, None, {"at": "20240101"}),
        ({"file": ASSET}, "asset1", {"file": ASSET}),
        ({"files": [ASSET, "asset2"]}, ["asset1", "asset2"], {"files[0]": ASSET}),
        ({"file": {"no": "uid"}}, None, {"file": {"no": "uid"}}),
        ({"link": {"href": "/", "url": "/"}}, {"href": "/"}, {"link.url": "/"}),
        ({"refs": {"uid": "e2"}}, None, {"refs": {"uid": "e2"}}),
        ({"refs": [{"uid": "e2", "title": "T"}]}, [{"uid": "e2"}], {"refs[0].title": "T"}),
        ({"group": [{"a": 1}]}, None, {"group": [{"a": 1}]}),
        ({"group": {"b": {"c": 5, "d": None}}}, {"b": {"c": None}}, {"group.b.c": 5, "group.b.d": None}),
        ({"groups": {"a": 1}}, None, {"groups": {"a": 1}}),
        ({"groups": [{"b": {"c": 1}}]}, [{"b": {"c": None}}], {"groups[0].b.c": 1}),
        ({"blocks": [{"gone": {"a": 1}}]}, [{}], {"blocks[0].gone": {"a": 1}}),
        ({"blocks": [{"hero": {"b": {"c": [1]}}}]}, [{"hero": {"b": {"c": None}}}], {"blocks[0].hero.b.c": [1]}),
        ({"rich": "<p>old</p>"}, None, {"rich": "<p>old</p>"}),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_kept_under_the_finest_path(item, column, unmapped):
    assert conform(item) == ({next(iter(item)): column}, unmapped)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("gone", "gone"),
        ("a.b", '["a.b"]'),
        ("a-b", '["a-b"]'),
        ('q"', '["q\\""]'),
        ("1a", '["1a"]'),
        ("", '[""]'),
        ("ü", '["ü"]'),
    ],
)
def test_an_unknown_field_is_kept_at_any_depth(key, path):
    assert conform({key: 1}) == ({}, {path: 1})
    inner = path if path.startswith("[") else f".{path}"
    assert conform({"group": {key: [1]}}) == ({"group": {}}, {f"group{inner}": [1]})


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("", None),
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("2024-02-29T10:00", "2024-02-29T10:00:00Z"),
        ("2024-02-29T10:00:00", "2024-02-29T10:00:00Z"),
        ("2024-02-29 10:00:00z", "2024-02-29T10:00:00Z"),
        ("2024-02-29T10:00:00.5+05:30", "2024-02-29T04:30:00.500000Z"),
        ("2024-03-01T00:30:00+0100", "2024-02-29T23:30:00Z"),
        ("2024-02-29T10:00:00.123456789Z", "2024-02-29T10:00:00.123456Z"),
    ],
)
def test_times_are_written_in_utc(text, time):
    assert conform({"at": text}) == ({"at": time}, {})


def test_a_bare_reference_becomes_the_object_that_others_are():
    assert conform({"old_refs": ["e2"]})[0] == {"old_refs": [{"uid": "e2", "_content_type_uid": "blog"}]}
    assert conform({"refs": ["e2"]})[0] == {"refs": [{"uid": "e2", "_content_type_uid": None}]}


@pytest.mark.parametrize(
    ("value", "column", "unmapped"),
    [
        (2**63 - 1, 2**63 - 1, {}),
        (2**63, None, {"_version": 2**63}),
        (2.0, 2, {}),
        (2.5, None, {"_version": 2.5}),
        (Decimal("1e400"), None, {"_version": Decimal("1e400")}),
    ],
)
def test_an_integer_column_holds_what_eight_bytes_hold(value, column, unmapped):
    record, rest = conform({"_version": value})
    assert (record, rest) == ({"_version": column}, unmapped)
    assert type(record["_version"]) in {int, type(None)}


def schema_of(column):
    return {"type": "object", "properties": {"uid": {"type": "string"}, "a": column}, "required": ["uid"]}


@pytest.mark.parametrize(
    ("column", "fits", "misfit"),
    [
        ({"type": "array", "items": INTEGER}, [1, None], "1"),
        ({"type": ["string", "null"], "maxLength": 2}, "ab", "abc"),
        ({"type": ["string", "null"], "enum": ["x", None]}, "x", "y"),
        ({"type": ["string", "null"], "format": "date"}, "2024-02-29", "2024-02-30"),
        ({"type": ["number", "null"], "minimum": 0}, 1, -1),
        ({"type": ["string", "number", "null"]}, 5, [5]),
        ({"anyOf": [BOOLEAN, DATE_TIME]}, True, 5),
        ({"oneOf": [TEXT, NUMBER]}, "a", {}),
        ({"type": ["object", "null"], "properties": {"b": TEXT}, "required": ["b"]}, {"b": "x"}, {}),
        ({"type": ["array", "null"], "allOf": [{"items": {"type": "string"}}]}, ["a"], ["a", 1]),
        ({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, [[1]], [[1], ["x"]]),
    ],
)
def test_a_schema_that_a_user_edited_is_obeyed(column, fits, misfit):
    schema = schema_of(column)
    assert conform({"a": fits}, schema) == ({"a": fits}, {})
    record, unmapped = conform({"a": misfit}, schema)
    assert unmapped == {"a": misfit}
    jsonschema.Draft202012Validator(schema).validate({"uid": "e1", **record})


def test_a_column_that_must_not_be_null_is_left_out():
    assert conform({"a": 5}, schema_of({"type": "string"})) == ({}, {"a": 5})
    assert conform({"a": None}, schema_of({"type": "string"})) == ({}, {"a": None})


def test_an_item_of_the_wrong_type_in_every_field_still_makes_a_record():
    record, unmapped = conform(dict.fromkeys(FIELDS, 5.5))
    assert record.keys() == FIELDS.keys()
    assert unmapped
