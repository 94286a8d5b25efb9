"""Both ways of an item, over random content types and data; the fast one against the exact one."""

from __future__ import annotations

import datetime as dt
import json
import re

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_contentstack.api.page import decode_page
from tap_contentstack.records.codec import Codec
from tap_contentstack.records.links import Link
from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.schema.shapes import RICH_TEXT
from tap_contentstack.schema.table_schema import column_types, keep_types
from tap_contentstack.values.jsontext import cleaned, decode, encode
from tests.content_models import SYSTEM, as_text, content_types, replayable

EMBEDDED_ENTRY = {"attrs": {"entry-uid": "e1", "content-type-uid": "blog"}}
REFERENCE = {"uid": "e1", "_content_type_uid": "blog"}


def read(data):
    """Return an item's data as the codec gets it from a page."""
    return decode_page(b'{"items":[{"type":"entry_published","data":' + as_text(data) + b"}]}").items[0].data


def entry_codec(content_type, **options):
    schema = schemas.entry_schema(content_type)
    return Codec(schema, columns=schemas.entry_columns(content_type), **options)


def assert_same_every_way(codec, data):
    """Check that the quicker ways, where they give anything, give what the exact way gives; return if the fast did.

    What the mending way has learned of other items makes no difference.
    """
    exact, fast, mended = codec.exact(data), codec.fast(data), codec.mended(data)
    for item in (fast, mended):
        if item is not None:
            assert decode(bytes(item.columns) + b"}") == decode(encode(exact.record))
            assert item.links == exact.links
            assert (item.unmapped or {}) == exact.unmapped
            assert not exact.cleaned
            assert (item.uid, item.locale, item.publish_locale) == (exact.uid, exact.locale, exact.publish_locale)
            assert item.version == exact.version
    if fast is not None:
        assert exact.unmapped == {}
        assert mended is not None
    return fast is not None


@replayable
@given(st.data())
def test_the_fast_way_gives_what_the_exact_way_gives(data):
    content_type, items = data.draw(content_types())
    codec = entry_codec(content_type)
    for _ in range(3):
        assert_same_every_way(codec, read(data.draw(items)))


@replayable
@given(st.data())
def test_the_fast_way_gives_the_same_with_columns_deselected_and_types_kept(data):
    content_type, items = data.draw(content_types())
    schema = schemas.entry_schema(content_type)
    columns = sorted(column_types(schema))
    kinds = st.sampled_from(["string", "number", "integer", "boolean", "date-time", "object", "array", "json"])
    kept, _ = keep_types(schema, data.draw(st.dictionaries(st.sampled_from(columns), kinds, max_size=3)))
    selected = data.draw(st.none() | st.sets(st.sampled_from(columns)))
    codec = Codec(kept, columns=schemas.entry_columns(content_type), selected=selected)
    for _ in range(3):
        assert_same_every_way(codec, read(data.draw(items)))


@replayable
@given(st.data())
def test_the_fast_way_gives_the_same_in_the_combined_stream(data):
    _, items = data.draw(content_types())
    codec = Codec(schemas.combined_schema(), combined=True)
    for _ in range(3):
        assert_same_every_way(codec, read(data.draw(items)))


@replayable
@given(st.data())
def test_every_record_is_valid(data):
    content_type, items = data.draw(content_types())
    codec = entry_codec(content_type)
    exact = codec.exact(read(data.draw(items)))
    added = {
        "uid": "e0",
        "_publish_locale": "en-us",
        "_references": msgspec.to_builtins(exact.links),
        "_unmapped": exact.unmapped or None,
    }
    record = json.loads(encode(exact.record | added))
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schemas.entry_schema(content_type), format_checker=checker).validate(record)
    assert "\\u0000" not in json.dumps(record).replace("\\\\", "")


@replayable
@given(st.data())
def test_an_item_can_be_rebuilt_from_its_record_and_what_did_not_fit(data):
    content_type, items = data.draw(content_types())
    item = data.draw(items)
    exact = entry_codec(content_type).exact(read(item))
    fields = {column: field for field, column in schemas.entry_columns(content_type).items()}
    rebuilt = {fields.get(column, column): value for column, value in decode(encode(exact.record)).items()}
    for path, value in exact.unmapped.items():
        rebuilt = put(rebuilt, steps(path), value)
    assert_same_value(cleaned(decode(as_text(item))), rebuilt)


def steps(path):
    """Return the keys and indices of a path."""
    parts = re.findall(r'\.?([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]', path)
    return [name or (int(index) if index else json.loads(text)) for name, index, text in parts]


def put(target, keys, value):
    if not keys:
        return value
    target[keys[0]] = put(target[keys[0]] if len(keys) > 1 else None, keys[1:], value)
    return target


def assert_same_value(original, rebuilt):
    """Check that two values differ by the normalisations alone."""
    if isinstance(original, dict) and isinstance(rebuilt, dict):
        assert original.keys() == rebuilt.keys()
        for key, value in original.items():
            assert_same_value(value, rebuilt[key])
    elif isinstance(original, list) and isinstance(rebuilt, list):
        assert len(original) == len(rebuilt)
        for each, other in zip(original, rebuilt, strict=True):
            assert_same_value(each, other)
    elif isinstance(original, str) and isinstance(rebuilt, dict):
        assert rebuilt in ({"uid": original, "_content_type_uid": "blog"}, {"uid": original, "_content_type_uid": None})
    elif original != rebuilt:
        assert isinstance(original, str)
        assert (rebuilt is None and original == "") or moment(original) == moment(rebuilt)
    else:
        assert isinstance(original, bool) == isinstance(rebuilt, bool)


def moment(text):
    value = dt.datetime.fromisoformat(text.upper())
    return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)


CONTENT_TYPE = {
    "uid": "blog",
    "schema": [
        {"uid": "title", "data_type": "text"},
        {"uid": "price", "data_type": "number"},
        {"uid": "body", "data_type": "json", "field_metadata": {"allow_json_rte": True}},
        {"uid": "Title", "data_type": "text"},
        {"uid": "at", "data_type": "isodate"},
    ],
}


@pytest.mark.parametrize(
    "value",
    [
        {"title": "a"},
        {"price": 1, "body": {"type": "doc", "children": []}, "at": None},
        {"at": "2024-02-29T10:00:00.123Z", "Title": "x"},
        {"price": 10**300, "tags": []},
        {"body": None},
    ],
)
def test_an_item_that_fits_takes_the_fast_way(value):
    assert assert_same_every_way(entry_codec(CONTENT_TYPE), read(SYSTEM | value))


@pytest.mark.parametrize(
    "value",
    [
        {"title": 1},
        {"unknown": 1},
        {"price": "1"},
        {"price": 10**400},
        {"price": True},
        {"body": []},
        {"title": "a\0b"},
        {"at": "2024-02-30T10:00:00Z"},
        {"at": "2024-02-29T10:00:00+00:00"},
        {"at": "2024-02-29T10:00:00.1234567Z"},
        {"at": "\\u0032024-02-29T10:00:00Z"},
        {"at": '2024-02-29T10:00:00Z","2024'},
        {"uid": ""},
        {"uid": None},
        {"_version": 1.0},
        {"_version": 2**63},
    ],
)
def test_an_item_that_does_not_fit_is_not_taken_as_it_came(value):
    codec = entry_codec(CONTENT_TYPE)
    assert not assert_same_every_way(codec, read(SYSTEM | value))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"title": 1}, id="a number for a text"),
        pytest.param({"price": "1"}, id="a text for a number"),
        pytest.param({"at": "2024-02-29"}, id="a date without time"),
        pytest.param({"at": "2024-02-29T10:00:00+02:00"}, id="an offset"),
        pytest.param({"body": "<p>text</p>"}, id="HTML for a rich text"),
        pytest.param({"lost": {"uid": "e1", "_content_type_uid": "blog"}, "price": None}, id="an unknown key"),
        pytest.param({"publish_details": {"locale": "fr-fr", "more": 1}}, id="a nested one"),
    ],
)
def test_an_odd_field_is_mended_and_its_field_learned(value):
    codec = entry_codec(CONTENT_TYPE)
    for _ in range(2):
        assert_same_every_way(codec, read(SYSTEM | value))
        assert codec.mended(read(SYSTEM | value)) is not None
        assert codec.mended(read(SYSTEM)).unmapped is None
    assert not assert_same_every_way(codec, read(SYSTEM | value))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"at":"2024-02-29"', id="once"),
        pytest.param('"at" : "2024-02-29"', id="white space"),
        pytest.param(
            '"at" : "2024-02-29","body":{"at":"2024-02-29"}', id="white space, and an inner object has the same"
        ),
        pytest.param('"body":{"at":"2024-02-29"},"at":"2024-02-29"', id="an inner object has the same"),
        pytest.param('"lost":{"lost":1},"at":"2024-02-29","lost":{"lost":1}', id="a key that the type has lost, twice"),
        pytest.param('"lost":1,"at":"2024-02-29"', id="one in the middle"),
        pytest.param('"at":"2024-02-29","lost":1', id="one at the end"),
        pytest.param('"at":"2024-02-29" , "lost":1 ', id="one at the end, after white space"),
        pytest.param('"at":"2024-02-29","at":"2024-03-01"', id="a key twice"),
        pytest.param('"title":"at","at":"2024-02-29"', id="a text that is like the key"),
        pytest.param('"title":"\\"at\\":\\"2024-02-29\\"","at":"2024-02-29"', id="a text that is like the member"),
        pytest.param('"title":"\\u00e9","at":"2024-02-29"', id="an escape"),
    ],
)
def test_an_odd_field_is_found_in_any_text(text):
    codec = entry_codec(CONTENT_TYPE)
    data = decode_page(b'{"items":[{"type":"entry_published","data":{"uid":"e1",%b}}]}' % text.encode()).items[0].data
    for _ in range(2):
        assert not assert_same_every_way(codec, data)
        assert codec.mended(data) is not None


@pytest.mark.parametrize("value", [{"uid": 1}, {"uid": ""}, {"_version": "3"}, {"_version": True}, {"locale": 5}])
def test_what_tells_which_item_it_is_and_which_version_is_not_mended(value):
    assert entry_codec(CONTENT_TYPE).mended(read(SYSTEM | value)) is None


@pytest.mark.parametrize("uid", ["ACL", "publish_details", "_workflow"])
def test_a_field_may_have_the_name_of_a_system_key(uid):
    inner = {"uid": uid, "data_type": "json"}
    content_type = {"uid": "page", "schema": [{"uid": "group", "data_type": "group", "schema": [inner]}]}
    for value in (None, 5, ["a"], {"uid": "e1", "_content_type_uid": "page"}):
        assert assert_same_every_way(entry_codec(content_type), read(SYSTEM | {"group": {uid: value}}))


def test_the_fast_way_leaves_the_text_of_an_item_as_it_came():
    data = read(SYSTEM | {"price": 1.5})
    codec = Codec(
        {
            "properties": {
                key: value for key, value in schemas.entry_schema(CONTENT_TYPE)["properties"].items() if key != "Title"
            }
        }
    )
    row = codec.fast(data)
    assert row
    assert bytes(row.columns) + b"}" == bytes(data)


def test_a_column_that_is_renamed_or_deselected_is_renamed_or_left_out():
    codec = entry_codec(
        CONTENT_TYPE, selected={"Title_fb2bb6d1", "title"} | set(schemas.entry_columns(CONTENT_TYPE).values())
    )
    item = codec.fast(read(SYSTEM | {"title": "low", "Title": "high", "price": "no number"}))
    column = schemas.entry_columns(CONTENT_TYPE)["Title"]
    assert json.loads(bytes(item.columns) + b"}") == {"uid": "e1", "title": "low", column: "high"}
    assert (item.locale, item.publish_locale, item.version) == ("en-us", "fr-fr", 3)


@pytest.mark.parametrize(
    "column",
    [
        {"type": "object"},
        {"type": "array"},
        {"type": ["string", "null"], "maxLength": 3},
        {"type": "array", "items": {}},
        {"type": ["array", "null"], "contentMediaType": RICH_TEXT},
        {"type": ["object", "null"]},
    ],
)
@pytest.mark.parametrize("value", [None, {}, [], "a", "abcd", [1], [EMBEDDED_ENTRY], REFERENCE | EMBEDDED_ENTRY])
def test_both_ways_agree_on_schemas_that_a_user_edited(column, value):
    schema = {"properties": {"uid": {"type": "string"}, "a": column}}
    assert_same_every_way(Codec(schema), read({"uid": "e1", "a": value}))


@pytest.mark.parametrize("selected", [None, {"uid"}])
def test_the_version_is_known_whether_or_not_its_column_is_selected(selected):
    codec = entry_codec(CONTENT_TYPE, selected=selected)
    assert codec.exact(read(SYSTEM)).version == codec.fast(read(SYSTEM)).version == 3


FREE = {"type": ["object", "null"]}
CLOSED = schemas.entry_schema(CONTENT_TYPE)["properties"]["publish_details"]
WITHOUT_LOCALE = {"type": ["object", "null"], "properties": {"time": {"type": ["string", "null"]}}}
OTHER_LOCALES = [
    {"type": ["object", "null"], "properties": {"locale": each}}
    for each in ({}, {"type": ["integer", "null"]}, {"type": ["object", "null"]}, {"type": "array", "items": {}})
]


@pytest.mark.parametrize("selected", [None, {"uid"}], ids=["selected", "deselected"])
@pytest.mark.parametrize("column", [FREE, CLOSED, WITHOUT_LOCALE, *OTHER_LOCALES], ids=str)
@pytest.mark.parametrize(
    ("details", "locale"),
    [
        ({"locale": "fr-fr"}, "fr-fr"),
        ({"locale": "fr-fr", "more": [1]}, "fr-fr"),
        ({"locale": None}, None),
        ({"locale": 5}, None),
        ({}, None),
        (None, None),
        (5, None),
    ],
)
def test_the_locale_published_to_is_known_whatever_becomes_of_its_column(details, locale, column, selected):
    schema = {
        "properties": {"uid": {"type": "string"}, "locale": {"type": ["string", "null"]}, "publish_details": column}
    }
    codec = Codec(schema, selected=selected)
    data = read({"uid": "e1", "publish_details": details, "locale": "en-us"})
    assert codec.exact(data).publish_locale == locale
    assert_same_every_way(codec, data)
    before: list[object] = [[], {"more": 1}, None]  # what was odd before is no obstacle
    for odd in before:
        assert_same_every_way(codec, read({"uid": "e0", "publish_details": odd, "locale": "en-us"}))
    assert_same_every_way(codec, read({"uid": "e1", "publish_details": details, "locale": "en-us", "unknown": 1}))


def test_nothing_is_mended_for_a_schema_that_says_more_than_types():
    codec = Codec({"properties": {"uid": {"type": "string"}, "a": {"type": ["string", "null"], "maxLength": 3}}})
    data = read({"uid": "e1", "a": "abcd"})
    assert codec.mended is codec.fast
    assert codec.mended(data) is None
    assert codec.exact(data).unmapped == {"a": "abcd"}


def test_numbers_keep_their_digits():
    codec = entry_codec(CONTENT_TYPE)
    text = (
        b'{"uid":"e1","price":12345678901234567890.12345678901234567890,"unknown":0.10000000000000000000001,"x":1e400}'
    )
    exact = codec.exact(decode_page(b'{"items":[{"data":' + text + b"}]}").items[0].data)
    assert encode(exact.record["price"]) == b"12345678901234567890.12345678901234567890"
    assert encode(exact.unmapped) == b'{"unknown":0.10000000000000000000001,"x":1E+400}'


@pytest.mark.parametrize(
    "text", [b"null", b"[]", b'"x"', b"5", b"9" * 5000, b"[" * 900 + b"]" * 900, b"1e99999999999999999999"]
)
def test_the_exact_way_never_fails(text):
    item = entry_codec(CONTENT_TYPE).exact(decode_page(b'{"items":[{"data":' + text + b"}]}").items[0].data)
    assert item.uid is None
    encode(item.unmapped)


def test_a_value_in_python_is_as_good_as_its_text():
    codec = entry_codec(CONTENT_TYPE)
    item = codec.exact({"uid": "e1", "title": "a\ud800\0"})
    assert (item.record, item.cleaned) == ({"uid": "e1", "title": "a"}, True)


def test_keys_that_become_the_same_are_both_kept():
    item = entry_codec(CONTENT_TYPE).exact(read({"uid": "e1", "x": 1, "x\0": 2}))
    assert sorted(item.unmapped.values()) == [1, 2]


def test_custom_fields_of_the_combined_stream_are_in_one_column():
    codec = Codec(schemas.combined_schema(), combined=True)
    data = read(SYSTEM | {"title": "a", "price": 1, "data": 2, "related": [{"uid": "e2", "_content_type_uid": "blog"}]})
    assert assert_same_every_way(codec, data)
    exact = codec.exact(data)
    assert exact.record["data"] == {"price": 1, "data": 2, "related": [{"uid": "e2", "_content_type_uid": "blog"}]}
    assert exact.links == [Link("related[0]", "e2", "blog")]
