"""A content type changes while its table in a real Postgres stays: run after run, with catalogs old and new."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import pytest

from sandbox import Sandbox, Stack
from sandbox.site import field
from tests.tap_process import Json, run_tap
from tests.warehouse.loading import PATIENCE, Load, Warehouse
from tests.warehouse.test_postgres_types import LONG

TABLE = "entries_thing"
ADOPT = "To adopt the new type, drop the stream's table and run a full refresh (meltano run --full-refresh)"
NOON = "2024-05-06T12:00:00Z"
AT_NOON = dt.datetime(2024, 5, 6, 12)  # noqa: DTZ001 - as the column has it
GROUP: Json = {"schema": [field("a", "number")]}


class Change(t.NamedTuple):
    """What happens to one field.

    Attributes:
        uid: The field.
        before: Its definition at first; None if it is added later.
        old: A value of then.
        after: Its definition later; None if it is removed.
        new: A value of that.
        column: The type of its column, which stays.
        kinds: The old and the new type as the warning names them; None if the target takes the change as it is.
        stored: What the column holds of the new value.
        fits: Whether the old value still fits.
        adopted: The type of its column once the new type is adopted.
    """

    uid: str
    before: Json | None
    old: t.Any
    after: Json | None
    new: t.Any
    column: str
    kinds: tuple[str, str] | None = None
    stored: t.Any = None
    fits: bool = True
    adopted: str | None = None


def change(
    uid: str, before: Json | None, old: t.Any, after: Json | None, new: t.Any, column: str, **more: t.Any
) -> Change:
    named = [None if each is None else {**each, "uid": uid} for each in (before, after)]
    return Change(uid, named[0], old, named[1], new, column, **more)


TEXT, NUMBER, BOOLEAN, DATE = (field("", kind) for kind in ("text", "number", "boolean", "isodate"))
TEXTS, NUMBERS = field("", "text", multiple=True), field("", "number", multiple=True)
SINGLE, SEVERAL = field("", "group", **GROUP), field("", "group", multiple=True, **GROUP)
BLOCKS = field("", "blocks", multiple=True, blocks=[{"uid": "b", **GROUP}])
FREE = field("", "json", extension_uid="blt1")
HTML = field("", "text", metadata={"allow_rich_text": True})
TO_DATE: Json = {"kinds": ("string", "date-time"), "adopted": "timestamp"}
IN_A_BLOCK = [{"b": {"a": 2}}]

CHANGES = [
    # These stop a target: its column would have to become another one.
    change("number_to_text", NUMBER, 12.5, TEXT, "twelve", "numeric", kinds=("number", "string"), adopted="text"),
    change("boolean_to_text", BOOLEAN, True, TEXT, "yes", "bool", kinds=("boolean", "string"), adopted="text"),
    change("date_to_text", DATE, NOON, TEXT, "soon", "timestamp", kinds=("date-time", "string"), adopted="text"),
    change("group_to_text", SINGLE, {"a": 1}, TEXT, "flat", "jsonb", kinds=("object", "string"), adopted="text"),
    change("json_to_text", FREE, [1], TEXT, "flat", "jsonb", kinds=("json", "string"), stored="flat", adopted="text"),
    change("several_to_single", TEXTS, ["a"], TEXT, "a", "jsonb", kinds=("array", "string"), adopted="text"),
    change("number_to_boolean", NUMBER, 1, BOOLEAN, True, "numeric", kinds=("number", "boolean"), adopted="bool"),
    change("date_to_number", DATE, NOON, NUMBER, 7, "timestamp", kinds=("date-time", "number"), adopted="numeric"),
    change("single_to_numbers", NUMBER, 1, NUMBERS, [1, 2.5], "numeric", kinds=("number", "array"), adopted="jsonb"),
    # These are taken in silence, and would be stored as text.
    change("text_to_number", TEXT, "7", NUMBER, 7, "text", kinds=("string", "number"), adopted="numeric"),
    change("text_to_boolean", TEXT, "yes", BOOLEAN, True, "text", kinds=("string", "boolean"), adopted="bool"),
    change("text_to_date", TEXT, "2024", DATE, NOON, "text", stored=NOON, **TO_DATE),
    change("text_to_group", TEXT, "flat", SINGLE, {"a": 1}, "text", kinds=("string", "object"), adopted="jsonb"),
    change("single_to_several", TEXT, "a", TEXTS, ["a", "b"], "text", kinds=("string", "array"), adopted="jsonb"),
    # What is JSON for the target stays JSON, and is typed as it is now.
    change("group_to_groups", SINGLE, {"a": 1}, SEVERAL, [{"a": 2}], "jsonb", stored=[{"a": 2}], fits=False),
    change("groups_to_group", SEVERAL, [{"a": 1}], SINGLE, {"a": 2}, "jsonb", stored={"a": 2}, fits=False),
    change("group_to_blocks", SINGLE, {"a": 1}, BLOCKS, IN_A_BLOCK, "jsonb", stored=IN_A_BLOCK, fits=False),
    change("group_to_json", SINGLE, {"a": 1}, FREE, "anything", "jsonb", stored="anything"),
    change("texts_to_numbers", TEXTS, [], NUMBERS, [1, 2.5], "jsonb", stored=[1, 2.5]),
    # No change of type
    change("file_to_text", field("", "file"), "blta", TEXT, "b", "text", stored="b"),
    change("text_to_html", TEXT, "a", HTML, "<p>b</p>", "text", stored="<p>b</p>"),
    change("unchanged", NUMBER, 1, NUMBER, 2, "numeric", stored=2),
    # Gone and come
    change("removed", TEXT, "a", None, None, "text"),
    change("renamed_from", NUMBER, 1, None, None, "numeric"),
    change("renamed_to", None, None, NUMBER, 2, "numeric", stored=2),
    change("added", None, None, DATE, NOON, "timestamp", stored=AT_NOON),
    change("order", None, None, TEXT, "reserved word", "text", stored="reserved word"),
    change("Camel", None, None, SINGLE, {"a": 1}, "jsonb", stored={"a": 1}),
    change(f"{LONG}too", None, None, TEXT, "long", "text", stored="long"),
]  # fmt: skip
WARNED = [each for each in CHANGES if each.kinds]
STORED_OLD = {"date_to_text": AT_NOON, "date_to_number": AT_NOON}
STORED_ADOPTED = {"text_to_date": AT_NOON, "added": AT_NOON}


def values(chosen: t.Literal["old", "new"]) -> Json:
    at = "before" if chosen == "old" else "after"
    return {each.uid: getattr(each, chosen) for each in CHANGES if getattr(each, at)}


def schema(at: t.Literal["before", "after"]) -> list[Json]:
    return [field("title", "text"), *(definition for each in CHANGES if (definition := getattr(each, at)))]


def column_of(uid: str, columns: t.Iterable[str]) -> str:
    return next(name for name in columns if name == uid or (uid.startswith(LONG) and name.startswith(LONG[:50])))


def merged(old: t.Any, new: t.Any) -> t.Any:
    """Return a state as a scheduler keeps it, which merges the new one into the old one."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: merged(old.get(key), new.get(key, old.get(key))) for key in old | new}
    return new


class Snapshot(t.NamedTuple):
    """A table as a run left it."""

    load: Load
    rows: dict[str, Json]
    columns: dict[str, str]
    tables: set[str]


class Story(t.NamedTuple):
    """The runs: what is told in one test each."""

    first: Snapshot
    changed: Snapshot
    pinned: Snapshot
    again: Snapshot
    adopted: Snapshot
    later: Snapshot


@pytest.fixture(scope="module")
def story(warehouse: Warehouse) -> t.Iterator[Story]:
    stack = Stack()
    stack.add_content_type({"uid": "thing", "title": "Thing", "schema": schema("before")})
    stack.add_content_type({"uid": "before_renaming", "schema": [field("title", "text")]})
    stack.publish_entry("before_renaming", "moved", {})
    stack.publish_entry("thing", "old", values("old"))
    with Sandbox(stack) as sandbox:

        def run(*schemas: str, **more: t.Any) -> Snapshot:
            load = warehouse.run(sandbox, *schemas, **more)
            rows = {uid: row for (uid, _), row in warehouse.rows(schemas[0], TABLE).items()}
            return Snapshot(load, rows, warehouse.columns(schemas[0], TABLE), warehouse.tables(schemas[0]))

        first = run("live", "pinned")
        old_catalog = json.loads(run_tap(sandbox.settings, "--discover", timeout=PATIENCE).out)

        stack.change_content_type("thing", schema=schema("after"), title="Thing with another title")
        stack.publish_entry("thing", "new", values("new"))
        stack.publish_entry("thing", "still", values("old"))
        stack.delete_content_type("before_renaming")
        stack.add_content_type({"uid": "after_renaming", "schema": [field("title", "text")]})
        stack.publish_entry("after_renaming", "moved", {})
        changed = run("live", state=first.load.state)
        moved = warehouse.live("live", "entries_after_renaming"), warehouse.live("live", "entries_before_renaming")
        assert moved == ({"moved"}, set())
        pinned = run("pinned", state=first.load.state, catalog=old_catalog)

        stack.change_content_type("thing", schema=[*schema("after"), field("removed", "number")])
        stack.publish_entry("thing", "old", {"removed": 5, "unchanged": 3})
        again = run("live", state=changed.load.state)

        warehouse.connection.execute(f'DROP TABLE live."{TABLE}"')
        stack.change_content_type("thing", schema=schema("after"))
        adopted = run("live")
        stack.publish_entry("thing", "newer", values("new"))
        later = run("live", state=merged(again.load.state, adopted.load.state))
        yield Story(first, changed, pinned, again, adopted, later)


def by_name(each: Change) -> str:
    return each.uid[-20:] if each.uid.startswith(LONG) else each.uid


def held(snapshot: Snapshot, uid: str, each: Change) -> tuple[t.Any, t.Any]:
    """Return what a row has of a field: its column's value, and the one in `_unmapped`."""
    row = snapshot.rows[uid]
    return row[column_of(each.uid, snapshot.columns)], (row["_unmapped"] or {}).get(each.uid)


@pytest.mark.parametrize("each", CHANGES, ids=by_name)
def test_a_column_keeps_its_type_and_loses_no_value(story, each):
    columns = story.changed.columns
    assert columns[column_of(each.uid, columns)] == each.column
    old = STORED_OLD.get(each.uid, each.old)
    if each.before:
        assert story.first.columns[each.uid] == each.column
        assert held(story.first, "old", each) == (old, None)
    # What was loaded before stays, and what is written as it was before fits if it can.
    assert held(story.changed, "old", each) == (old, None)
    assert held(story.changed, "still", each) == ((old, None) if each.fits else (None, each.old))
    assert held(story.changed, "new", each) == (each.stored, each.new if each.stored is None else None)


@pytest.mark.parametrize("each", WARNED, ids=by_name)
def test_a_warning_names_the_field_both_types_and_the_way_out(story, each):
    old, new = each.kinds
    [line] = [line for line in story.changed.load.warnings if f"'{each.uid}'" in line]
    assert f"Field '{each.uid}' is of type {new} now; its column stays {old}" in line
    assert line.endswith(ADOPT)


def test_nothing_else_is_warned_of(story):
    for snapshot, number in ((story.first, 0), (story.changed, len(WARNED)), (story.again, len(WARNED) + 1)):
        assert sum("is of type" in line for line in snapshot.load.warnings) == number
    assert not any("restarts" in line for line in story.changed.load.warnings)


def test_another_title_is_the_same_table(story):
    assert story.changed.load.output.record_counts[TABLE] == 2
    assert story.changed.tables == story.first.tables | {"entries_after_renaming"}


@pytest.mark.parametrize("each", CHANGES, ids=by_name)
def test_with_a_catalog_of_before_the_table_is_as_before(story, each):
    assert story.pinned.columns == story.first.columns
    row = story.pinned.rows["new"]
    beside = {path: value for path, value in row["_unmapped"].items() if path.startswith(each.uid)}
    if each.after and not beside:
        assert row[each.uid] == each.new
    elif each.after and each.uid in beside:
        assert (row.get(each.uid), beside) == (None, {each.uid: each.new})
    elif each.after:
        assert list(beside.values()) == each.new
    if each.before:
        assert held(story.pinned, "still", each) == (STORED_OLD.get(each.uid, each.old), None)


def test_a_field_that_comes_back_with_another_type_finds_its_old_column(story):
    assert story.again.columns == story.changed.columns
    row = story.again.rows["old"]
    assert (row["removed"], row["_unmapped"], row["unchanged"]) == (None, {"removed": 5}, 3)
    [line] = [line for line in story.again.load.warnings if "'removed'" in line]
    assert "is of type number now; its column stays string" in line
    # A column whose field is gone does not keep what the row held before.
    assert row["renamed_from"] is None


@pytest.mark.parametrize("each", CHANGES, ids=by_name)
def test_the_way_out_leads_out(story, each):
    for snapshot, uid in ((story.adopted, "new"), (story.later, "newer")):
        if each.after:
            column = column_of(each.uid, snapshot.columns)
            assert snapshot.columns[column] == (each.adopted or each.column)
            assert held(snapshot, uid, each) == (STORED_ADOPTED.get(each.uid, each.new), None)
        else:
            assert each.uid not in story.adopted.columns
        assert not any("is of type" in line for line in snapshot.load.warnings)
