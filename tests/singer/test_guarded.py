"""Random maps over random rows, through the SDK's mapper: the target holds what is published, as the map makes it."""

from __future__ import annotations

import logging
import typing as t

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from singer_sdk.mapper import PluginMapper
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from tap_contentstack.errors import MapError
from tap_contentstack.schema.stream_schemas import KEY_COLUMNS, PROTECTED_COLUMNS, VERSION_COLUMN, entry_schema
from tap_contentstack.sdk import CustomStreamMap, definition_of, evaluate
from tap_contentstack.singer.maps import guarded

if t.TYPE_CHECKING:
    from tap_contentstack.singer.guarded import GuardedMap

Json: t.TypeAlias = dict[str, t.Any]

STREAM = "entries_p"
SCHEMA: Json = entry_schema(
    {
        "uid": "p",
        "schema": [
            {"uid": "x", "data_type": "text"},
            {"uid": "n", "data_type": "number"},
            {"uid": "g", "data_type": "group", "schema": [{"uid": "t", "data_type": "text"}]},
        ],
    }
)
SCHEMA["properties"][VERSION_COLUMN] = {"type": ["integer", "null"]}


def maps_of(definition: Json | None, **settings: object) -> list[GuardedMap]:
    mapper = PluginMapper({"stream_maps": {STREAM: definition}, **settings}, logging.getLogger(__name__))  # type: ignore[dict-item]
    mapper.register_raw_stream_schema(STREAM, SCHEMA, KEY_COLUMNS)
    return guarded(STREAM, mapper.stream_maps[STREAM], SCHEMA, KEY_COLUMNS)


texts = st.sampled_from(["", "z", "one"])
data = st.fixed_dictionaries(
    {},
    optional={
        "x": st.none() | texts,
        "n": st.none() | st.integers(0, 3),
        "g": st.none() | st.fixed_dictionaries({}, optional={"t": st.none() | texts}),
    },
)
keys = st.tuples(st.sampled_from("ab"), st.sampled_from(["en-us", "fr-fr"]))
edits = st.lists(st.tuples(keys, st.none() | data), max_size=12)
"""Of each edit the key, and what is published; None is an unpublish."""

value_expressions = st.sampled_from(
    [
        "x",
        "uid",
        "_sync_type",
        "x.upper() if x else None",
        "str(n)",
        "float(n + 1) if n is not None else None",
        "md5(x or uid)",
        "_['g']['t'] if _['g'] and 't' in _['g'] else None",
        "'fixed'",
        None,
    ]
)
filters = st.sampled_from(
    [
        "x != 'z'",
        "n is not None and n > 1",
        "_publish_locale == 'en-us'",
        "_publish_locale == 'en-us' and x != 'z'",
        "False",
        "not _sdc_deleted_at",
        "_sdc_deleted_at is None and x",
    ]
)
key_maps: st.SearchStrategy[Json] = st.sampled_from(
    [
        {},
        {"uid": "uid.upper()"},
        {"uid": "self + '!'", "_publish_locale": "_publish_locale.split('-')[0]"},
        {"id": "uid + '/' + record['_publish_locale']", "__key_properties__": ["id"]},
        {"source": "'prod'", "__key_properties__": ["source", "uid", "_publish_locale"]},
    ]
)
columns = st.dictionaries(
    st.sampled_from(["x", "n", "y", "_sdc_deleted_at", "_sync_type", "_references", VERSION_COLUMN]),
    value_expressions,
)


@st.composite
def definitions(draw: st.DrawFn) -> Json:
    definition: Json = {**draw(columns), **draw(key_maps)}
    if draw(st.booleans()):
        definition |= {"uid": "uid", "_publish_locale": "_publish_locale"} | definition | {"__else__": None}
    if draw(st.booleans()):
        definition["__filter__"] = draw(filters)
    return definition


def row(key: tuple[str, str], content: Json | None) -> Json:
    uid, locale = key
    record: Json = {
        "uid": uid,
        "_publish_locale": locale,
        "_content_type_uid": "p",
        "_sync_type": "entry_published",
        "_sync_event_at": "2026-01-01T00:00:00.000Z",
        "_sdc_deleted_at": None,
        "_references": [],
        "_unmapped": None,
        VERSION_COLUMN: 7,
    }
    if content is None:
        return record | {"_sync_type": "entry_unpublished", "_sdc_deleted_at": "2026-01-02T00:00:00.000Z"}
    return record | content


def key_in(each: GuardedMap, record: Json) -> tuple[t.Any, ...]:
    return tuple(record[column] for column in each.keys)


@settings(deadline=None)
@given(definitions(), edits, st.sampled_from([0, 1, 2]))
def test_the_target_holds_what_is_published_as_the_map_makes_it(definition, edits, depth):
    flattening = {"flattening_enabled": True, "flattening_max_depth": depth} if depth else {}
    (each,) = maps_of(definition, **flattening)
    assert each.schema["properties"]["_sdc_deleted_at"] == SCHEMA["properties"]["_sdc_deleted_at"]
    published: dict[tuple[str, str], Json] = {}
    target: dict[tuple[t.Any, ...], Json] = {}
    for key, content in edits:
        if content is None:
            published.pop(key, None)
        else:
            published[key] = content
        for mapped in each.rows(row(key, content), updates=True):
            assert mapped.keys() <= each.schema["properties"].keys()
            assert mapped[VERSION_COLUMN] == 7
            if mapped["_sdc_deleted_at"] is None:
                assert mapped["_sync_type"] == "entry_published"
                target[key_in(each, mapped)] = mapped
            else:
                assert mapped["_sync_type"] == "entry_unpublished"
                assert mapped.get("n") is None
                assert not list(DEFAULT_JSONSCHEMA_VALIDATOR(each.schema).iter_errors(mapped))
                target.pop(key_in(each, mapped), None)
    expected = {}
    for key, content in published.items():
        for mapped in each.rows(row(key, content), updates=False):
            expected[key_in(each, mapped)] = mapped
    assert target == expected


@settings(deadline=None)
@given(definitions(), data)
def test_a_row_is_what_the_sdks_own_mapper_makes_of_it_but_for_what_is_protected(definition, content):
    (each,) = maps_of(definition)
    mapper = PluginMapper({"stream_maps": {STREAM: definition}}, logging.getLogger(__name__))
    mapper.register_raw_stream_schema(STREAM, SCHEMA, KEY_COLUMNS)
    record = dict.fromkeys(SCHEMA["properties"]) | row(("a", "en-us"), content)
    plain = mapper.stream_maps[STREAM][0].transform(record)
    protected = {column: record[column] for column in PROTECTED_COLUMNS}
    assert list(each.rows(row(("a", "en-us"), content), updates=False)) == (
        [] if plain is None else [plain | protected]
    )


def test_a_tombstone_evaluates_nothing_but_the_key():
    (each,) = maps_of({"x": "1 / 0", "y": "nothing", "uid": "uid + '!'", "__filter__": "n / 0"})
    (tombstone,) = each.rows(row(("a", "en-us"), None), updates=True)
    assert (tombstone["uid"], tombstone["x"], tombstone["y"]) == ("a!", None, None)


def test_a_failing_expression_is_named_without_the_values():
    (each,) = maps_of({"y": "x", "z": "int(x)"})
    with pytest.raises(MapError) as caught:
        list(each.rows(row(("a", "en-us"), {"x": "a-secret"}), updates=False))
    assert "a-secret" not in str(caught.value)
    assert "column 'z', expression 'int(x)'" in str(caught.value)
    assert "ValueError" in str(caught.value)


def test_a_stream_that_is_left_out_is_not_checked():
    (each,) = maps_of(None)
    assert each.removes_all


def test_the_sdk_keeps_what_a_map_does_where_it_is_read():
    mapper = PluginMapper(
        {
            "stream_maps": {
                STREAM: {
                    "y": "n + 1",
                    "x": None,
                    "__filter__": "n",
                    "uid": "uid",
                    "__else__": None,
                    "_publish_locale": "_publish_locale",
                }
            }
        },
        logging.getLogger(__name__),
    )
    mapper.register_raw_stream_schema(STREAM, SCHEMA, KEY_COLUMNS)
    stream_map = mapper.stream_maps[STREAM][0]
    assert isinstance(stream_map, CustomStreamMap)
    definition = definition_of(stream_map)
    assert {column: each.text for column, each in definition.expressions.items()} == {
        "y": "n + 1",
        "uid": "uid",
        "_publish_locale": "_publish_locale",
    }
    assert definition.removed == ["x"]
    assert not definition.keeps_others
    assert definition.filter is not None
    assert definition.filter.text == "n"
    assert evaluate(stream_map, definition.expressions["y"], {"n": 2}, "y") == 3
    assert evaluate(stream_map, definition.filter, {"n": 2}, None) == 2
