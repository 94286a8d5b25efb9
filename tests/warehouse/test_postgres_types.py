"""Values of every kind in a real Postgres, by way of the real target-postgres; each trap of targets has its case."""

from __future__ import annotations

import datetime as dt
import re
import typing as t
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox import Fault, Sandbox, Stack
from sandbox.seed import embedded_asset, embedded_entry
from sandbox.site import field, reference, rich_text

if t.TYPE_CHECKING:
    from tests.tap_process import Json
    from tests.warehouse.loading import Load, Warehouse

OF_THE_TARGET = re.compile(r"_sdc_(?!deleted_at|table_version).*").fullmatch

PAGE = Path(__file__).parents[2] / "docs" / "warehouse.md"
VIEW = re.search(r"create view contentstack.story_links .*?;", PAGE.read_text(), re.DOTALL)
assert VIEW
LINKS = VIEW[0]
"""Makes a junction table of `_references`, as the documentation says."""


# The stack: one type with a field of each kind, and types and fields with difficult names

LONG = "a_field_whose_name_is_so_long_that_postgres_cuts_it_at_byte_63_"
LONG_TYPE = "a_content_type_whose_name_is_longer_than_what_postgres_allows_"
OWN = (
    "_sdc_deleted_at",
    "_sdc_batched_at",
    "_SDC_Sequence",
    "_publish_locale",
    "_references",
    "_unmapped",
    "_sync_type",
    "_Sync_Event_At",
    "_content_type_uid",
)
NAMES = (
    *(LONG + ending for ending in ("one", "two")),
    *(
        "Price",
        "price",
        "PRICE",
        "order",
        "user",
        "select",
        "Ümlaut",
        "with space",
        "100%",
        "data",
        "a-b",
    ),
    *OWN,
)
TYPES = ("Offer", "offer", f"{LONG_TYPE}one", f"{LONG_TYPE}two", "with-dash", "a-b-c-d")
TEXT_ONLY = [field("title", "text"), field("note", "text")]

KINDS: dict[str, tuple[Json, str]] = {
    # field: its definition, its column's type
    "words": (field("words", "text"), "text"),
    "html": (field("html", "text", metadata={"allow_rich_text": True}), "text"),
    "number": (field("number", "number"), "numeric"),
    "flag": (field("flag", "boolean"), "bool"),
    "day": (field("day", "isodate"), "timestamp"),
    "picture": (field("picture", "file"), "text"),
    "choice": (field("choice", "number", enum={"choices": [{"value": 1}]}), "numeric"),
    "address": (field("address", "link"), "jsonb"),
    "group": (
        field(
            "group",
            "group",
            schema=[
                field("words", "text"),
                field("day", "isodate"),
                field("number", "number"),
                field("free", "json", extension_uid="blt1", metadata={"extension": True}),
            ],
        ),
        "jsonb",
    ),
    "parts": (
        field("parts", "blocks", multiple=True, blocks=[{"uid": "a", "schema": [field("n", "number")]}]),
        "jsonb",
    ),
    "document": (field("document", "json", metadata={"allow_json_rte": True}), "jsonb"),
    "free": (field("free", "json", extension_uid="blt1", metadata={"extension": True}), "jsonb"),
    "terms": (field("terms", "taxonomy", multiple=True, taxonomies=[]), "jsonb"),
    "hologram": (field("hologram", "hologram"), "jsonb"),
    "target": (field("target", "reference", reference_to=["kinds"]), "jsonb"),
    "old_target": (field("old_target", "reference", reference_to="kinds"), "jsonb"),
    "texts": (field("texts", "text", multiple=True), "jsonb"),
    "numbers": (field("numbers", "number", multiple=True), "jsonb"),
    "flags": (field("flags", "boolean", multiple=True), "jsonb"),
    "days": (field("days", "isodate", multiple=True), "jsonb"),
    "pictures": (field("pictures", "file", multiple=True), "jsonb"),
    "addresses": (field("addresses", "link", multiple=True), "jsonb"),
    "groups": (field("groups", "group", multiple=True, schema=[field("n", "number")]), "jsonb"),
    "frees": (field("frees", "json", multiple=True, extension_uid="blt1"), "jsonb"),
}
UTC = "2024-05-06T07:08:09Z"


def moment(*parts: int) -> dt.datetime:
    return dt.datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - as the column has it


class Case(t.NamedTuple):
    """A value of a field, what its column holds then, and what `_unmapped` does."""

    name: str
    field: str
    sent: t.Any
    column: t.Any
    unmapped: Json | None = None


def kept(name: str, field: str, value: t.Any) -> Case:
    return Case(name, field, value, value)


def unfit(name: str, field: str, value: t.Any, raw: t.Any = None) -> Case:
    return Case(name, field, value, None, {field: value if raw is None else raw})


def in_utc(name: str, sent: str, *parts: int) -> Case:
    return Case(name, "day", sent, moment(*parts))


CASES = [
    # Columns of times have no zone and know the years 1 to 9999; an offset would be dropped, not applied.
    in_utc("time in utc", "2024-05-06T07:08:09.123Z", 2024, 5, 6, 7, 8, 9, 123000),
    in_utc("offset", "2024-05-06T07:08:09+02:00", 2024, 5, 6, 5, 8, 9),
    in_utc("offset into the next year", "2024-12-31T23:30:00.000-05:30", 2025, 1, 1, 5),
    in_utc("no offset", "2024-05-06T07:08:09", 2024, 5, 6, 7, 8, 9),
    in_utc("date alone", "2024-05-06", 2024, 5, 6),
    in_utc("many digits", "2024-05-06T07:08:09.1234567Z", 2024, 5, 6, 7, 8, 9, 123456),
    in_utc("first year", "0001-01-01T00:00:00.000Z", 1, 1, 1),
    in_utc("last year", "9999-12-31T23:59:59.999Z", 9999, 12, 31, 23, 59, 59, 999000),
    Case("empty date", "day", "", None),
    unfit("month 13", "day", "2024-13-01T00:00:00.000Z"),
    unfit("february 30", "day", "2024-02-30T00:00:00.000Z"),
    unfit("year 0", "day", "0000-01-01T00:00:00.000Z"),
    unfit("year 10000", "day", "10000-01-01T00:00:00.000Z"),
    unfit("year 10000 with sign", "day", "+010000-01-01T00:00:00.000Z"),
    unfit("year 10000 in utc", "day", "9999-12-31T23:30:00.000-05:00"),
    unfit("leap second", "day", "2016-12-31T23:59:60.000Z"),
    unfit("words for a date", "day", "tomorrow"),
    unfit("infinity for a date", "day", "infinity"),
    unfit("number for a date", "day", 20240506),
    Case("dates", "days", ["2024-05-06T09:08:09+02:00", "", None], [UTC, None, None]),
    Case("no date in a list", "days", [UTC, "never"], [UTC, None], {"days[1]": "never"}),
    # Numbers
    kept("integer", "number", 3),
    kept("float", "number", Decimal("2.5")),
    kept("choice as float", "choice", Decimal("1.5")),
    kept("negative", "number", -7),
    kept("beyond 64 bits", "number", 10**20),
    kept("large exponent", "number", Decimal("1e300")),
    unfit("beyond doubles", "number", 10**400),
    unfit("text for a number", "number", "12"),
    unfit("boolean for a number", "number", True),
    Case("whole number as float in an integer column", "_version", 2.0, 2),
    unfit("integer column full", "_version", 2**63),
    kept("boolean", "flag", False),
    unfit("number for a boolean", "flag", 1),
    unfit("text for a boolean", "flag", "true"),
    # Lists are JSON, never typed arrays, which one odd element stops from loading.
    kept("int and float", "numbers", [1, 2.5]),
    kept("floats", "numbers", [0.1, -3.5e-7]),
    kept("empty list", "numbers", []),
    kept("booleans", "flags", [True, False, None]),
    kept("texts", "texts", ["a", "", None, '{"b":1}']),
    Case("mixed list", "numbers", [1, "two", 3], [1, None, 3], {"numbers[1]": "two"}),
    Case("list in a list", "texts", ["a", ["b"]], ["a", None], {"texts[1]": ["b"]}),
    unfit("one text for a list", "texts", "a"),
    unfit("object for a list", "groups", {"n": 1}),
    unfit("list for an object", "group", [{"words": "a"}]),
    unfit("list for a text", "words", ["a"]),
    unfit("object for a text", "words", {"a": 1}),
    # JSON of any kind
    *(
        kept(f"free {name}", "free", value)
        for name, value in {
            "object": {"a": {"b": [1, 2.5, None, "c"]}},
            "list": [1, 2.5, "a", None, {}],
            "text": "just text",
            "empty text": "",
            "number": 4,
            "float": 4.5,
            "boolean": False,
            "null": None,
            "empty object": {},
            "text that looks like json": '{"a": 1}',
        }.items()
    ),
    kept("list of json", "frees", [{"a": 1}, [2], "three", 4.5, None]),
    kept("new type of field as object", "hologram", {"depth": [1, 2]}),
    kept("new type of field as text", "hologram", "deep"),
    kept("document", "document", {"type": "doc", "children": [{"type": "p", "children": [{"text": "a"}]}]}),
    unfit("text for a document", "document", "<p>a</p>"),
    kept("link", "address", {"title": "A", "href": "https://example.com/?a=1"}),
    Case("link with more", "address", {"href": "b", "rel": "c"}, {"href": "b"}, {"address.rel": "c"}),
    kept("links", "addresses", [{"title": "A", "href": "b"}]),
    kept("terms", "terms", [{"taxonomy_uid": "a", "term_uid": "b"}]),
    kept("block", "parts", [{"a": {"n": 1}}, {"a": {"n": 2.5}}]),
    Case("block that is gone", "parts", [{"z": {"n": 1}}], [{}], {"parts[0].z": {"n": 1}}),
    Case("no number in a block", "parts", [{"a": {"n": "x"}}], [{"a": {"n": None}}], {"parts[0].a.n": "x"}),
    Case("unknown field in a group", "group", {"words": "a", "x": [1]}, {"words": "a"}, {"group.x": [1]}),
    Case("date in a group", "group", {"day": "2024-05-06T09:08:09+02:00"}, {"day": UTC}),
    Case("no date in a group", "group", {"day": "2024-13-01"}, {"day": None}, {"group.day": "2024-13-01"}),
    kept("file", "picture", "bltpicture"),
    Case("whole asset", "picture", {"uid": "blta", "url": "u"}, "blta", {"picture": {"uid": "blta", "url": "u"}}),
    kept("files", "pictures", ["bltone", "blttwo"]),
    kept("reference", "target", [{"uid": "blta", "_content_type_uid": "kinds"}]),
    Case("bare reference", "old_target", ["blta"], [{"uid": "blta", "_content_type_uid": "kinds"}]),
    # Texts that COPY and JSON have to escape
    kept("escapes", "words", 'tab\t newline\n return\r \\N \\. backslash\\ quotes" $1 %s {}'),
    kept("text of a null", "words", "\\N"),
    kept("empty text", "words", ""),
    kept("far characters", "words", "\u2028 \ufeff \U0001f600 é é \x7f \x01"),
    kept("escapes in json", "free", {"a\n\\": '\\u0000 \t " \\'}),
    kept("html", "html", '<p class="a">&nbsp;</p>'),
    # No target can store U+0000 or half of a surrogate pair.
    Case("nul in a text", "words", "a\0b", "ab"),
    Case("half a pair in a text", "words", "a\ud83db\ude00", "ab"),
    Case("nul in a list", "texts", ["a\0", "\udc00"], ["a", ""]),
    Case("nul in a group", "group", {"words": "\0a"}, {"words": "a"}),
    Case("nul in a document", "document", {"children": [{"text": "a\0\ud800"}]}, {"children": [{"text": "a"}]}),
    Case("nul in a key", "free", {"a\0b": {"\udc00": 1}}, {"ab": {"": 1}}),
    Case("nul in an unknown key", "group", {"x\0": "y\0"}, {}, {"group.x": "y"}),
    Case("nul in a value that does not fit", "number", "1\0", None, {"number": "1"}),
    Case("nul in a date", "day", "2024-05-06T07:08:09Z\0", moment(2024, 5, 6, 7, 8, 9)),
    Case("key twice once the nul is gone", "free", {"a": 1, "a\0": 2}, {"a": 1, "a_ffe9aaea": 2}),
]  # fmt: skip


def uid_of(case: Case) -> str:
    return case.name.replace(" ", "_")


def plain(value: t.Any) -> t.Any:
    """Return what JSON can hold: Decimals stand for numbers here."""
    return float(value) if isinstance(value, Decimal) else value


def stack_of_everything() -> Stack:
    stack = Stack(locales=("en-us", "fr-fr"))
    stack.add_content_type({"uid": "kinds", "schema": [field("title", "text"), *(each for each, _ in KINDS.values())]})
    for case in CASES:
        stack.publish_entry("kinds", uid_of(case), {case.field: plain(case.sent)})
    stack.publish_entry("kinds", "nothing", {})
    stack.add_content_type(
        {"uid": "names", "schema": [field("title", "text"), *(field(name, "text") for name in NAMES)]}
    )
    stack.publish_entry("names", "all", {name: f"value of {name}" for name in NAMES})
    for uid in TYPES:
        stack.add_content_type({"uid": uid, "schema": TEXT_ONLY})
        for number in range(2):
            stack.publish_entry(uid, f"{number}", {"note": f"{uid} {number}"}, ["en-us", "fr-fr"])
    return stack


@pytest.fixture(scope="module")
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(stack_of_everything()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def loaded(warehouse: Warehouse, sandbox: Sandbox) -> Load:
    """The first load, by COPY and by INSERT; the target validates each record, too."""
    return warehouse.run(sandbox, "copied", "inserted", target={"validate_records": True})


@pytest.fixture(scope="module")
def kinds(warehouse: Warehouse, loaded: Load) -> dict[tuple[str, str], Json]:
    assert len(loaded.output.records("entries_kinds")) == len(CASES) + 1
    return warehouse.rows("copied", "entries_kinds")


@pytest.mark.parametrize("case", CASES, ids=uid_of)
def test_a_value_is_in_its_column_or_in_unmapped(kinds, case):
    row = kinds[uid_of(case), "en-us"]
    stored = row[case.field]
    assert stored == case.column
    assert isinstance(stored, bool) is isinstance(case.column, bool)
    assert row["_unmapped"] == case.unmapped


def test_inserts_store_the_same_as_copies(warehouse, kinds):
    def stored(schema: str) -> dict[tuple[str, str], list[t.Any]]:
        columns = [name for name in warehouse.columns("copied", "entries_kinds") if not OF_THE_TARGET(name)]
        rows = warehouse.rows(schema, "entries_kinds")
        return {key: [row[name] for name in columns] for key, row in rows.items()}

    assert len(stored("inserted")) == len(kinds)
    assert stored("inserted") == stored("copied")
    assert warehouse.columns("inserted", "entries_kinds") == warehouse.columns("copied", "entries_kinds")


@pytest.mark.usefixtures("loaded")
def test_every_column_has_the_type_of_its_field(warehouse):
    columns = warehouse.columns("copied", "entries_kinds")
    assert {name: columns[name] for name in KINDS} == {name: kind for name, (_, kind) in KINDS.items()}
    expected = {"uid": "text", "_publish_locale": "text", "_sync_event_at": "timestamp", "_sdc_deleted_at": "timestamp"}
    expected |= {"_references": "jsonb", "_unmapped": "jsonb", "_version": "int8", "created_at": "timestamp"}
    expected |= {"publish_details": "jsonb", "tags": "jsonb"}
    assert {name: columns[name] for name in expected} == expected
    for table in warehouse.tables("copied"):
        assert {kind for kind in warehouse.columns("copied", table).values() if kind.startswith("_")} == set()


def test_nothing_is_in_unmapped_but_what_does_not_fit(kinds):
    assert {key[0] for key, row in kinds.items() if row["_unmapped"]} == {
        uid_of(each) for each in CASES if each.unmapped
    }
    assert kinds["nothing", "en-us"].items() >= dict.fromkeys(KINDS).items()


def test_characters_that_no_target_stores_are_warned_of_once(loaded):
    cleaned = [case for case in CASES if "nul" in case.name.split() or case.name.startswith("half")]
    [warning] = [line for line in loaded.warnings if "no target can store" in line]
    assert f"entries_kinds: {len(cleaned)} items" in " ".join(warning.split())


# Names


@pytest.mark.usefixtures("loaded")
def test_tables_have_names_that_postgres_keeps_apart(warehouse):
    tables = warehouse.tables("copied")
    assert len({name.casefold() for name in tables}) == len(tables)
    found = {}
    for table in {name for name in tables if name.startswith("entries_")} - {"entries_kinds", "entries_names"}:
        assert len(table.encode()) <= 63
        rows = warehouse.rows("copied", table)
        [uid] = {row["_content_type_uid"] for row in rows.values()}
        found[uid] = {row["note"] for row in rows.values()}
        assert len(rows) == 4
    assert found == {uid: {f"{uid} 0", f"{uid} 1"} for uid in TYPES}
    assert {"entries_offer", "entries_kinds"} <= tables


@pytest.mark.usefixtures("loaded")
def test_columns_have_names_that_postgres_keeps_apart(warehouse):
    row = warehouse.rows("copied", "entries_names")["all", "en-us"]
    assert row["_unmapped"] is None
    assert (row["_sync_type"], row["_sdc_deleted_at"]) == ("entry_published", None)
    held = {value: name for name, value in row.items() if isinstance(value, str) and value.startswith("value of ")}
    assert held.keys() == {f"value of {name}" for name in NAMES}
    names = set(held.values())
    assert len({name.casefold() for name in row}) == len(row)
    assert all(len(name.encode()) <= 63 for name in names)
    assert not any(name.casefold().startswith("_sdc_") for name in names)
    untouched = {"price", "order", "user", "select", "Ümlaut", "with space", "data", "a-b"}
    assert {held[f"value of {name}"] for name in untouched} == untouched


# Deletes, versions, sweeps


def linking(number: int, *, body: bool = True) -> Json:
    """Return fields that link: to a page twice, to an asset, and from within a rich text."""
    about = [{"uid": f"p{(number + step) % 9}", "_content_type_uid": "page"} for step in (0, 1, 1)]
    text = {"type": "doc", "children": [embedded_entry("author1"), embedded_asset("picture")]}
    return {"about": about[: number % 4], "cover": f"asset{number}" if number % 2 else None} | (
        {"body": text} if body else {}
    )


def assert_the_view_has_all_links(warehouse: Warehouse, stack: Stack) -> None:
    expected = []
    for (_, uid, locale), entry in stack.published_entries().items():
        expected += [
            (uid, locale, f"about[{place}]", link["uid"], "page") for place, link in enumerate(entry.get("about", []))
        ]
        expected += [(uid, locale, "cover", entry["cover"], "sys_assets")] if entry.get("cover") else []
        if "body" in entry:
            expected += [(uid, locale, "body.children[0]", "author1", "author")]
            expected += [(uid, locale, "body.children[1]", "picture", "sys_assets")]
    assert sorted(warehouse.connection.execute("SELECT * FROM swept.page_links").fetchall()) == sorted(expected)


def test_tombstones_sweeps_and_start_overs_on_one_table(warehouse):
    """Runs of one small table: soft, a delta, a start-over in the middle of a run, and hard."""
    stack = Stack(locales=("en-us", "fr-fr"))
    links = [reference("about", "page", several=True), field("cover", "file"), rich_text("body")]
    stack.add_content_type({"uid": "page", "schema": [*TEXT_ONLY, *links]})
    for number in range(9):
        stack.publish_entry("page", f"p{number}", {"note": "first", **linking(number)}, ["en-us"])
    table = "entries_page"
    with Sandbox(stack, page_size=3) as sandbox:
        first = warehouse.run(sandbox, "swept", content_types=["page"])
        assert warehouse.live("swept", table) == {f"p{number}" for number in range(9)}
        warehouse.connection.execute(LINKS.replace("contentstack", "swept").replace("story", "page"))
        assert_the_view_has_all_links(warehouse, stack)

        # A delta: tombstones are marked rows that have lost all but their key, whatever hard_delete says.
        stack.unpublish_entry("page", "p0", "en-us")
        stack.delete_entry("page", "p1")
        stack.publish_entry("page", "p2", {"note": "second", **linking(7)})
        second = warehouse.run(
            sandbox, "swept", state=first.state, target={"hard_delete": True}, content_types=["page"]
        )
        rows = warehouse.rows("swept", table)
        assert warehouse.live("swept", table) == {f"p{number}" for number in range(2, 9)}
        for uid, event in {"p0": "entry_unpublished", "p1": "entry_deleted"}.items():
            row = rows[uid, "en-us"]
            assert (row["_sync_type"], row["note"], row["title"], row["_unmapped"]) == (event, None, None, None)
            assert row["_sdc_deleted_at"] == row["_sync_event_at"]
            assert (row["_references"], row["_content_type_uid"]) == ([], "page")
        assert rows["p2", "en-us"]["note"] == "second"
        assert_the_view_has_all_links(warehouse, stack)

        # A start-over after some records of the same run are out: the token of the delta's second page is refused, then
        # the delta's. Both passes' records belong to one SCHEMA, so no older row comes last.
        for number in range(3, 9):
            stack.publish_entry("page", f"p{number}", {"note": "third", **linking(number, body=False)})
        sandbox.faults.add(Fault(kind="refused_token", path="pagination_token", times=2))
        third = warehouse.run(sandbox, "swept", state=second.state, content_types=["page"])
        sandbox.faults.clear()
        assert any("restarts" in line for line in third.warnings)
        assert len(third.output.of_type("SCHEMA", table)) == 1
        assert len(third.output.records(table)) > 7
        rows = warehouse.rows("swept", table)
        assert warehouse.live("swept", table) == {f"p{number}" for number in range(2, 9)}
        assert {rows[f"p{number}", "en-us"]["note"] for number in range(3, 9)} == {"third"}
        assert_the_view_has_all_links(warehouse, stack)

        # What vanished unseen is swept: marked, with the last values still there ...
        stack.delete_entry("page", "p3")
        warehouse.run(sandbox, "swept", content_types=["page"])
        row = warehouse.rows("swept", table)["p3", "en-us"]
        assert (row["_sdc_deleted_at"] is None, row["note"]) == (False, "third")
        assert warehouse.live("swept", table) == {"p2", *(f"p{number}" for number in range(4, 9))}
        assert_the_view_has_all_links(warehouse, stack)

        # ... or removed.
        stack.delete_entry("page", "p4")
        warehouse.run(sandbox, "swept", target={"hard_delete": True}, content_types=["page"])
        assert {uid for uid, _ in warehouse.rows("swept", table)} == {"p2", *(f"p{number}" for number in range(5, 9))}
        assert_the_view_has_all_links(warehouse, stack)


def test_batches_keep_their_rows_and_sweep_the_right_ones(warehouse, tmp_path):
    """Files of records give the target no version but the one in their own column."""
    stack = Stack()
    stack.add_content_type({"uid": "kinds", "schema": [each for each, _ in KINDS.values()]})
    cases = [case for case in CASES if case.field in {"day", "numbers", "free", "words"}]
    for case in cases:
        stack.publish_entry("kinds", uid_of(case), {case.field: plain(case.sent)})
    files = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    batches = {"batch_config": {**files, "batch_size": 20}, "content_types": ["kinds"]}
    with Sandbox(stack, page_size=30) as sandbox:
        first = warehouse.run(sandbox, "batched", **batches)
        assert first.output.of_type("BATCH", "entries_kinds")
        assert not first.output.record_counts
        rows = warehouse.rows("batched", "entries_kinds")
        stored = {uid: (row["_sdc_deleted_at"], row["_unmapped"]) for (uid, _), row in rows.items()}
        assert stored == {uid_of(case): (None, case.unmapped) for case in cases}
        assert [rows[uid_of(case), "en-us"][case.field] for case in cases] == [case.column for case in cases]

        gone, edited = uid_of(cases[0]), uid_of(cases[1])
        stack.unpublish_entry("kinds", gone, "en-us")
        stack.publish_entry("kinds", edited, {"words": "edited"})
        warehouse.run(sandbox, "batched", target={"hard_delete": True}, **batches)
        rows = warehouse.rows("batched", "entries_kinds")
        assert {uid for uid, _ in rows} == {uid_of(case) for case in cases} - {gone}
        assert rows[edited, "en-us"]["words"] == "edited"
