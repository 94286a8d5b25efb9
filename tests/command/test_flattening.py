"""Flattening with the real command: rows and columns fit the schema that the target is told."""

from __future__ import annotations

import typing as t

import pytest

from tests.tap_process import Json, Output, fail, keys_of, load


def rows(output: Output, *earlier: Output) -> dict[str, Json]:
    return {key[0]: row for key, row in output.tables(*earlier)["entries_q"].items()}


def test_flattening_splits_columns_and_keeps_all_rows(site, plain):
    output = load(site, flattening_enabled=True, flattening_max_depth=2).check(history=True)
    before, after = plain.tables(), output.tables()
    assert keys_of(after) == keys_of(before)
    for key, row in after["entries_event"].items():
        venue = before["entries_event"][key]["venue"]
        assert row["venue__name"] == venue["name"]
        assert row["publish_details__locale"] == key[1]
        assert "venue" not in row
    assert "venue__name" in output.schemas["entries_event"]["properties"]


@pytest.mark.parametrize("depth", [1, 3])
def test_flattened_records_fit_their_schema(small, depth):
    stack = small.stack
    group = {"uid": "g", "data_type": "group", "schema": [{"uid": "t", "data_type": "text"}]}
    stack.add_content_type(
        {"uid": "q", "schema": [group, {"uid": "h", **{k: v for k, v in group.items() if k != "uid"}}]}
    )
    stack.publish_entry("q", "c", {"g": {"t": "in"}, "h": None, "odd": {"k": [1]}}, ["en-us"])
    config = {"flattening_enabled": True, "flattening_max_depth": depth, "stream_maps": {"entries_q": {"y": "uid"}}}
    first = load(small, **config).check()
    row = rows(first)["c"]
    assert row["g__t"] == "in"
    assert "h" not in row
    assert set(row) <= set(first.schemas["entries_q"]["properties"])
    stack.unpublish_entry("q", "c", "en-us")
    second = load(small, state=first.state, **config).check()
    assert rows(second, first) == {}


def test_any_json_is_text_where_flattening_declares_it_so(small):
    values: list[t.Any] = [5, 1.5, True, "t", [1], {"a": 1}, None]
    small.stack.add_content_type({"uid": "q", "schema": [{"uid": "j", "data_type": "json"}]})
    for number, value in enumerate(values):
        small.stack.publish_entry("q", f"c{number}", {"j": value}, ["en-us"])
    output = load(small, flattening_enabled=True, flattening_max_depth=2).check()
    found = [rows(output)[f"c{number}"]["j"] for number in range(len(values))]
    assert found == ["5", "1.5", "true", "t", "[1]", '{"a":1}', None]


def test_names_that_flattening_makes_fit_and_a_clash_is_one_sentence(small):
    fields = [{"uid": f"{'h' * 40}{n}", "data_type": "text"} for n in range(2)]
    groups = [{"uid": "g" * 40, "data_type": "group", "schema": fields}]
    small.stack.add_content_type({"uid": "q", "schema": groups})
    small.stack.publish_entry("q", "c", {"g" * 40: {f"{'h' * 40}{n}": str(n) for n in range(2)}}, ["en-us"])
    config = {"flattening_enabled": True, "flattening_max_depth": 3}
    output = load(small, **config).check()
    columns = output.schemas["entries_q"]["properties"]
    assert max(map(len, columns)) <= 63
    assert [rows(output)["c"][f"ggg__{'h' * 40}{n}"] for n in range(2)] == ["0", "1"]
    clash = [{"uid": "a", "data_type": "group", "schema": [{"uid": "b__c", "data_type": "text"}]}]
    clash += [{"uid": "a__b", "data_type": "group", "schema": [{"uid": "c", "data_type": "text"}]}]
    small.stack.add_content_type({"uid": "r", "schema": clash})
    assert "column name produced in schema: a__b__c" in fail({**small.settings, **config}).last_line
