"""Items of a page as messages: a page at once gives what its items give one by one."""

from __future__ import annotations

import json
import logging
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_contentstack.api.page import Page, decode_page
from tap_contentstack.records.codec import Codec
from tap_contentstack.records.items import ItemReader
from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.singer.lines import LineOutput
from tap_contentstack.singer.writer import Writer
from tap_contentstack.values.jsontext import MAX_LEVELS, decode, encode
from tests.content_models import SYSTEM, as_text, content_types, replayable

EVENT_TIMES = ["2024-05-01T10:00:00.000Z", "2024-05-01T10:00:00+02:00", "2024-05-01", "never", ""]
DATED_TYPE = {"uid": "page", "schema": [{"uid": "released", "data_type": "isodate", "multiple": False}]}


def reader_of(content_type, *, combined=False, locales=()) -> ItemReader:
    schema = schemas.combined_schema() if combined else schemas.entry_schema(content_type)
    typed = Codec(schemas.entry_schema(content_type), columns=schemas.entry_columns(content_type))
    output = LineOutput(Writer(), "entries", schema["properties"])
    output.begin(1)
    return ItemReader(
        codec=Codec(schema, combined=True) if combined else typed,
        output=output,
        events=["entry_published"],
        content_type_uid=None if combined else content_type["uid"],
        covers=lambda _: True,
        locales=locales,
        feed_locale=None,
        logger=logging.getLogger("test"),
        typed=(lambda _: typed) if combined else None,
    )


def page_of(*items) -> Page:
    """Return a page of (data, time) pairs."""
    texts = [
        b'{"type":"entry_published","event_at":%b,"content_type_uid":"page","data":%b}' % (encode(time), as_text(data))
        for data, time in items
    ]
    return decode_page(b'{"items":[%b]}' % b",".join(texts))


@pytest.mark.parametrize("read_page", [ItemReader.rows, ItemReader.changes])
def test_an_event_that_nobody_knows_is_told_once(read_page, caplog):
    reader = reader_of(DATED_TYPE)
    page = decode_page(b'{"items":[{"type":"entry_archived"},{"type":"entry_archived"}]}')
    assert read_page(reader, page.items) == []
    assert caplog.text.count("an event that this tap does not know: 'entry_archived'") == 1


def messages(changes) -> list[bytes]:
    return [b"".join(change.message) for change in changes]


def read(changes) -> list[object]:
    """Return the messages as a target has them: a character may be written as it is, or escaped."""
    return [decode(message) for message in messages(changes)]


@replayable
@given(st.data(), st.sampled_from([(), ("fr-fr",)]))
def test_a_page_at_once_gives_what_its_items_give_one_by_one(data, locales):
    content_type, values = data.draw(content_types())
    reader = reader_of({**content_type, "uid": "page"}, locales=locales)
    pairs = st.tuples(values, st.sampled_from(EVENT_TIMES))
    page = page_of(*data.draw(st.lists(pairs, max_size=6)))
    together = read(reader.rows(page.items))
    assert together == [message for item in page.items for message in read(reader.rows([item]))]
    assert together == read(reader.changes(page.items))


def test_times_that_are_not_as_targets_take_them_change_their_own_rows_alone():
    reader = reader_of(DATED_TYPE)
    dates = ["2024-03-18T09:30:00.000Z", "2024-03-18", None, "2024-03-18T09:30:00+02:00", "2024-03-18T09:30:00Z"]
    page = page_of(*((SYSTEM | {"uid": f"e{n}", "released": date}, EVENT_TIMES[0]) for n, date in enumerate(dates)))
    reader.codec.exact = mock.Mock(side_effect=reader.codec.exact)
    reader.codec.mended = mock.Mock(side_effect=reader.codec.mended)
    records = [json.loads(message)["record"] for message in messages(reader.rows(page.items))]
    assert [json.loads(bytes(call.args[0]))["uid"] for call in reader.codec.mended.call_args_list] == ["e1", "e3"]
    assert [record["released"] for record in records] == [
        "2024-03-18T09:30:00.000Z",
        "2024-03-18T00:00:00Z",
        None,
        "2024-03-18T07:30:00Z",
        "2024-03-18T09:30:00Z",
    ]
    reader.codec.exact.assert_not_called()


@pytest.mark.parametrize(
    ("changes", "event_at"),
    [
        pytest.param({"publish_details": {"locale": "de-de"}}, EVENT_TIMES[0], id="out of scope"),
        pytest.param({"publish_details": None, "locale": None}, EVENT_TIMES[0], id="without a locale"),
        pytest.param({"publish_details": {"locale": "de-de"}}, "2024-05-01T10:00:00.000000+00:00", id="a long time"),
        pytest.param({"publish_details": {"locale": "de-de"}, "title": 5}, EVENT_TIMES[0], id="unfit"),
    ],
)
@pytest.mark.parametrize("neighbours", [0, 1])
def test_an_odd_time_of_an_item_that_makes_no_row_spoils_no_other(changes, event_at, neighbours):
    reader = reader_of(DATED_TYPE, locales=("fr-fr",))
    good = (SYSTEM | {"uid": "good", "released": EVENT_TIMES[0]}, EVENT_TIMES[0])
    odd = (SYSTEM | {"uid": "odd", "released": "2024-03-18"} | changes, event_at)
    items = page_of(*[good] * neighbours, odd, *[good] * neighbours).items
    reader.codec.exact = mock.Mock(side_effect=reader.codec.exact)
    assert [row.uid for row in reader.rows(items)] == ["good"] * 2 * neighbours
    read_exactly = [json.loads(bytes(call.args[0]))["uid"] for call in reader.codec.exact.call_args_list]
    assert "good" not in read_exactly


@pytest.mark.parametrize("text", ["", "\0"])
@pytest.mark.parametrize("nest", [lambda value: [value], lambda value: {"a": value}], ids=["lists", "objects"])
def test_a_field_of_hundreds_of_levels_spoils_nothing_else(nest, text):
    value: object = text
    for _ in range(800):
        value = nest(value)
    reader = reader_of({"uid": "page", "schema": [{"uid": "custom", "data_type": "json"}]})
    (row,) = reader.rows(page_of((SYSTEM | {"custom": value, "title": text}, EVENT_TIMES[0])).items)
    record = json.loads(b"".join(row.message))["record"]
    custom, levels = record["custom"], 0
    while not isinstance(custom, str):
        (custom,) = custom.values() if isinstance(custom, dict) else custom
        levels += 1
    assert levels + custom.count("[") + custom.count("{") == 800
    assert levels >= MAX_LEVELS - 1


@pytest.mark.parametrize("created_at", ["2024-01-01T00:00:00Z", "2024-01-01"])
def test_links_of_the_combined_stream_are_those_that_the_content_type_tells_both_ways(created_at):
    reader = reader_of({"uid": "page", "schema": [{"uid": "note", "data_type": "text"}]}, combined=True)
    note = '<a data-sys-entry-uid="e9" data-sys-content-type-uid="blog">no HTML field</a>'
    (row,) = reader.rows(page_of((SYSTEM | {"note": note, "created_at": created_at}, EVENT_TIMES[0])).items)
    (message,) = messages([row])
    assert json.loads(message)["record"]["_references"] == []
