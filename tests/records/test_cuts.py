"""What is deselected within a column shows neither in `_unmapped` nor in `_references`."""

from __future__ import annotations

import pytest

from tap_contentstack.records.cuts import Cuts
from tap_contentstack.records.links import Link

CUTS = Cuts([("group", "secret"), ("group", "other", "one"), ("odd", "c", "d")], field_of={"odd": "a.b"}, rest=None)


@pytest.mark.parametrize(
    "path",
    [
        "group.secret",
        "group.secret.inner",
        "group.secret[0]",
        "group[3].secret",
        '["a.b"].c.d',
        '["a.b"][1].c[2].d[3].e',
    ],
)
def test_what_is_at_or_below_a_cut_is_left_out(path):
    assert CUTS.unmapped({path: 1}) == {}
    assert CUTS.links([Link(path, "e1", "page")]) == []


@pytest.mark.parametrize(
    "path", ["secret", "group", "group.secrets", "group.other.secret", '["a.b"].c', '["a.b[0]"].c.d', "a.b.c.d"]
)
def test_anything_else_stays(path):
    assert CUTS.unmapped({path: 1}) == {path: 1}
    assert CUTS.links([Link(path, "e1", "page")]) == [Link(path, "e1", "page")]


def test_a_value_is_shown_without_what_is_cut_in_it():
    value = [{"secret": 1, "open": 2}, "text", {"open": 3}]
    assert CUTS.unmapped({"group": value}) == {"group": [{"open": 2}, "text", {"open": 3}]}
    assert CUTS.unmapped({'["a.b"]': {"c": [{"d": 1, "e": 2}], "d": 3}}) == {'["a.b"]': {"c": [{"e": 2}], "d": 3}}
    several = {"group": [{"secret": 1, "other": {"one": 1, "two": 2}}]}
    assert CUTS.unmapped(several) == {"group": [{"other": {"two": 2}}]}
    assert value == [{"secret": 1, "open": 2}, "text", {"open": 3}]


def test_a_record_is_without_what_is_cut_in_its_columns():
    record = {"group": {"secret": 1, "open": [2]}, "odd": {"c": [{"d": 1, "e": 2}]}, "a.b": {"c": {"d": 1}}}
    CUTS.record(record)
    assert record == {"group": {"open": [2]}, "odd": {"c": [{"e": 2}]}, "a.b": {"c": {"d": 1}}}


def test_the_keys_of_the_column_for_all_the_rest_are_fields():
    cuts = Cuts([("data", "group", "secret")], field_of={}, rest="data")
    record = {"data": {"group": [{"secret": 1, "open": 2}]}}
    cuts.record(record)
    assert record == {"data": {"group": [{"open": 2}]}}
    assert cuts.unmapped({"group.secret": 1, "data.group.secret": 1}) == {"data.group.secret": 1}


def test_an_object_whose_uid_is_cut_is_no_link():
    cuts = Cuts([("author", "uid")], field_of={}, rest=None)
    assert cuts.links([Link("author", "e1", "page"), Link("author.cover", "e2", "page")]) == [
        Link("author.cover", "e2", "page")
    ]
