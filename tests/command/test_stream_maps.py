"""Stream maps with the real command: what is published is what the target holds, as the map would make it."""

from __future__ import annotations

import gzip
import json
import typing as t
from pathlib import Path

import pytest

from sandbox import Behaviour, Fault, Sandbox, Stack
from tests.tap_process import LOADS, Json, Output, fail, load, run_tap

STREAM = "entries_p"


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    """Entry `a` has both fields; `b` was saved before `n` was there."""
    stack = Stack(locales=("en-us", "fr-fr"))
    fields = [{"uid": "x", "data_type": "text"}, {"uid": "n", "data_type": "number"}]
    stack.add_content_type({"uid": "p", "schema": fields})
    stack.publish_entry("p", "a", {"x": "one", "n": 2}, ["en-us"])
    stack.publish_entry("p", "b", {"x": "two"}, ["en-us"])
    with Sandbox(stack) as sandbox:
        yield sandbox


def maps(definition: Json | None, **more: object) -> Json:
    return {"stream_maps": {STREAM: definition, **more}}


def rows(output: Output, *earlier: Output, stream: str = STREAM) -> dict[str, Json]:
    return {key[0]: row for key, row in output.tables(*earlier)[stream].items()}


@pytest.mark.parametrize(
    "definition",
    [
        {"y": "x"},
        {"y": "x.upper() if x else None"},
        {"y": "md5(x)"},
        {"y": "x.upper()", "z": "x[2]"},
        {"y": "record['x'][0]"},
        {"y": "x + str(randint(9))"},
        {"x": "self + '!'"},
        {"x": None, "uid": "uid.upper()"},
        {"id": "uid + '/' + _publish_locale", "__key_properties__": ["id"]},
        {"uid": "uid", "_publish_locale": "_publish_locale", "x": "x", "__else__": None},
        {"_sdc_deleted_at": None, "_sync_type": None},
        {"_sdc_deleted_at": "None", "_sync_type": "'entry_published'"},
        {"__filter__": "x != 'z' or _sdc_deleted_at"},
        {"__filter__": "x[0] != 'z'"},
    ],
    ids=str,
)
def test_an_unpublish_removes_the_row_whatever_the_map_makes_of_nulls(sandbox, definition):
    config = maps(definition)
    first = load(sandbox, **config).check()
    assert len(rows(first)) == 2
    sandbox.stack.unpublish_entry("p", "a", "en-us")
    second = load(sandbox, state=first.state, **config).check()
    (left,) = rows(second, first)
    assert left[0].lower() == "b"
    (tombstone,) = second.records(STREAM)
    assert tombstone["_sync_type"] == "entry_unpublished"
    assert tombstone["_sdc_deleted_at"]


def test_a_field_that_an_item_lacks_is_null_in_expressions(sandbox):
    output = load(sandbox, **maps({"m": "float(n + 1) if n is not None else None"}))
    assert {uid: row["m"] for uid, row in rows(output).items()} == {"a": 3, "b": None}
    assert rows(output)["b"]["n"] is None


def test_a_row_that_the_filter_drops_later_is_removed(sandbox):
    config = maps({"__filter__": "n is not None and n > 1"})
    first = load(sandbox, **config).check()
    assert set(rows(first)) == {"a"}
    sandbox.stack.publish_entry("p", "a", {"x": "one", "n": 1}, ["en-us"])
    second = load(sandbox, state=first.state, **config).check()
    assert rows(second, first) == {}
    (tombstone,) = second.records(STREAM)
    assert tombstone["_sync_type"] == "entry_unpublished"
    assert tombstone["x"] is None


def test_a_filter_of_one_map_leaves_the_others_their_row(sandbox):
    config = maps({"x": "x"}, big={"__source__": STREAM, "__filter__": "n is not None and n > 1"})
    first = load(sandbox, **config).check()
    sandbox.stack.publish_entry("p", "a", {"x": "one", "n": 1}, ["en-us"])
    second = load(sandbox, state=first.state, **config).check()
    assert set(rows(second, first)) == {"a", "b"}
    assert rows(second, first, stream="big") == {}


@pytest.mark.parametrize("column", ["json", "datetime"])
def test_a_column_that_is_named_like_a_module_is_a_column(sandbox, column):
    sandbox.stack.add_content_type({"uid": "named", "schema": [{"uid": column, "data_type": "text"}]})
    sandbox.stack.publish_entry("named", "a", {column: "J"}, ["en-us"])
    config = {"stream_maps": {"entries_named": {"__filter__": f"{column} == 'J'"}}}
    first = load(sandbox, **config).check()
    assert set(rows(first, stream="entries_named")) == {"a"}
    sandbox.stack.unpublish_entry("named", "a", "en-us")
    second = load(sandbox, state=first.state, **config).check()
    assert rows(second, first, stream="entries_named") == {}


@pytest.mark.parametrize(
    "condition",
    [
        "_publish_locale == 'en-us' and x != 'z'",
        "(_publish_locale == 'en-us' and x != 'z') and n != 99",
        "'en-us' == _publish_locale",
        "record['_publish_locale'] in ['en-us']",
    ],
)
def test_a_filter_on_the_locale_makes_the_uid_alone_a_key(sandbox, condition):
    config = maps({"__filter__": condition, "__key_properties__": ["uid"]})
    sandbox.stack.publish_entry("p", "a", {"x": "un", "n": 2}, ["fr-fr"])
    first = load(sandbox, **config).check()
    sandbox.stack.unpublish_entry("p", "a", "fr-fr")
    second = load(sandbox, state=first.state, **config).check()
    assert rows(second, first)["a"]["x"] == "one"


@pytest.mark.parametrize(
    ("definition", "column", "reason"),
    [
        ({"id": "uid + '-' + x", "__key_properties__": ["id"]}, "id", "it uses x"),
        ({"id": "uid + record['x']", "__key_properties__": ["id"]}, "id", "it uses x"),
        ({"id": "uid + str(record)", "__key_properties__": ["id"]}, "id", "it uses record"),
        ({"id": "fake.uuid4()", "__key_properties__": ["id"]}, "id", "it uses fake"),
        ({"id": "uid + str(datetime.datetime.now())", "__key_properties__": ["id"]}, "id", "it uses now"),
        ({"x": "self + uid", "__key_properties__": ["x"]}, "x", "it uses x"),
        ({"__key_properties__": ["x"]}, "x", "it uses x"),
        ({"__key_properties__": []}, "__key_properties__", "a stream needs a key"),
        ({"__key_properties__": None}, "__key_properties__", "a stream needs a key"),
        ({"uid": "None"}, "uid", "cannot be empty"),
        ({"uid": "''"}, "uid", "cannot be empty"),
        ({"uid": "'same'"}, "uid", "different rows would get the same key"),
        ({"__key_properties__": ["_publish_locale"]}, "_publish_locale", "different rows would get the same key"),
        ({"__key_properties__": ["uid"]}, "uid", "different rows would get the same key"),
    ],
    ids=str,
)
def test_a_key_of_anything_but_the_key_is_refused_at_the_start(sandbox, definition, column, reason):
    output = fail({**sandbox.settings, **maps(definition)})
    assert output.messages == []
    assert f"stream {STREAM}, column '{column}'" in output.last_line
    assert reason in output.last_line


@pytest.mark.parametrize(
    "condition",
    [
        "_publish_locale == 'en-us' or x == 'z'",
        "_publish_locale != 'fr-fr'",
        "not _publish_locale == 'fr-fr'",
        "_publish_locale in ['en-us', 'fr-fr']",
        "_publish_locale in 'en-us, fr-fr'",
        "_publish_locale[2:3] == '-'",
        "_publish_locale == _publish_locale",
        "'-' in _publish_locale == _publish_locale",
    ],
)
def test_a_filter_that_lets_several_locales_through_makes_the_uid_no_key(sandbox, condition):
    output = fail({**sandbox.settings, **maps({"__filter__": condition, "__key_properties__": ["uid"]})})
    assert output.messages == []
    reason = "different rows would get the same key; the key must also use _publish_locale"
    assert output.last_line.endswith(f"stream {STREAM}, column 'uid': {reason}")


@pytest.mark.parametrize(
    ("definitions", "both"),
    [
        ({"assets": {"__alias__": STREAM}}, f"streams assets and {STREAM} would both be named '{STREAM}'"),
        ({STREAM: {"__alias__": "Assets"}}, f"streams assets and {STREAM} would both be named 'Assets'"),
        (
            {STREAM: {"__alias__": "copy"}, "copy": {"__source__": STREAM}},
            f"two maps of stream {STREAM} would both be named 'copy'",
        ),
        ({STREAM: {}, "Entries_P": {"__source__": STREAM}}, f"two maps of stream {STREAM} would both be named"),
    ],
    ids=str,
)
def test_two_tables_of_one_name_are_refused(sandbox, definitions, both):
    output = fail({**sandbox.settings, "stream_maps": definitions})
    assert output.messages == []
    assert both in output.last_line


@pytest.mark.parametrize(
    ("definition", "column"),
    [
        ({"y": "n + 1"}, "y"),
        ({"x": "x", "y": "int(x)"}, "y"),
        ({"y": "nothing"}, "y"),
        ({"__filter__": "n > 1"}, "__filter__"),
        ({"uid": "uid[7:] or None"}, "uid"),
    ],
    ids=str,
)
def test_an_expression_that_fails_is_one_sentence_without_values(sandbox, definition, column):
    output = fail({**sandbox.settings, **maps(definition)}, secrets=("'one'", "'two'"))
    assert f"stream map of {STREAM}, column '{column}', expression" in output.last_line
    assert "en-us" in output.last_line
    assert output.state["bookmarks"]["assets"]["replication_key_value"], "the others are complete"


def files_of(output: Output, stream: str = STREAM) -> list[Json]:
    paths = [path for message in output.of_type("BATCH", stream) for path in message["manifest"]]
    lines = [
        line for path in paths for line in gzip.decompress(Path(path.removeprefix("file://")).read_bytes()).splitlines()
    ]
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    "definition",
    [
        {"uid": "uid", "_publish_locale": "_publish_locale", "__else__": None},
        {"_sdc_table_version": None},
        {"_sdc_table_version": "0"},
    ],
    ids=str,
)
def test_batch_files_keep_the_version(sandbox, definition, tmp_path):
    batches = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    config = maps(definition) | {"batch_config": batches}
    first = load(sandbox, **config)
    version = first.state["bookmarks"][STREAM]["version"]
    assert [row["_sdc_table_version"] for row in files_of(first)] == [version, version]
    assert first.schemas[STREAM]["properties"]["_sdc_table_version"]["type"] == ["integer", "null"]
    sandbox.stack.unpublish_entry("p", "a", "en-us")
    second = load(sandbox, state=first.state, **config)
    (tombstone,) = files_of(second)
    assert tombstone["_sdc_deleted_at"]
    assert tombstone["_sdc_table_version"] == version


def test_an_option_that_stream_maps_do_not_have_is_refused(sandbox):
    output = fail({**sandbox.settings, **maps({"__fliter__": "x == 'one'"})})
    assert (
        f"setting 'stream_maps': '__fliter__' of {STREAM} is not a valid option; valid are __alias__"
        in output.last_line
    )


@pytest.mark.parametrize("option", ["__source__", "__alias__"])
def test_the_name_of_a_stream_is_a_text(sandbox, option):
    output = fail({**sandbox.settings, **maps({option: None})})
    assert f"setting 'stream_maps': '{option}' of {STREAM} must be the name of a stream" in output.last_line


@pytest.mark.parametrize("extra", [{"entries_pp": {"y": "x"}}, {"copy": {"__source__": "entries_pp"}}], ids=str)
def test_a_map_for_a_stream_that_does_not_exist_is_a_warning(sandbox, extra):
    output = load(sandbox, **maps({"y": "x"}, **extra, **{"entries_*": {"z": "x"}, "loads": {"v": "version"}}))
    assert output.err.count("there is no stream") == 1
    assert "setting 'stream_maps': there is no stream 'entries_pp'" in output.err


@pytest.mark.parametrize("change", ["deselected", "not in the catalog"])
def test_a_map_may_match_a_stream_that_is_not_loaded(sandbox, change):
    catalog = json.loads(run_tap(sandbox.settings, "--discover").out)
    sandbox.stack.add_content_type({"uid": "q", "schema": []})
    sandbox.stack.publish_entry("q", "c", {}, ["en-us"])
    if change == "deselected":
        catalog = json.loads(run_tap(sandbox.settings, "--discover").out)
        entry = next(each for each in catalog["streams"] if each["tap_stream_id"] == "entries_q")
        next(each for each in entry["metadata"] if not each["breadcrumb"])["metadata"]["selected"] = False
    output = load(sandbox, catalog=catalog, stream_maps={"entries_*": {"y": "x"}})
    assert "entries_q" not in output.schemas
    assert "y" in output.schemas[STREAM]["properties"]


def test_a_key_that_a_group_lacks_is_read_with_get(sandbox):
    group = {"uid": "seo", "data_type": "group", "schema": [{"uid": "title", "data_type": "text"}]}
    sandbox.stack.add_content_type({"uid": "q", "schema": [group]})
    for uid, seo in (("c", {"title": "one"}), ("d", {}), ("e", None)):
        sandbox.stack.publish_entry("q", uid, {"seo": seo}, ["en-us"])
    definition = {"y": "seo.get('title') if seo else None"}
    output = load(sandbox, stream_maps={"entries_q": definition})
    assert {uid: row["y"] for uid, row in rows(output, stream="entries_q").items()} == {
        "c": "one",
        "d": None,
        "e": None,
    }


def test_the_recipe_of_the_readme_does_what_it_says():
    text = Path(__file__).parents[2].joinpath("docs/warehouse.md").read_text().partition("<!-- stream-maps -->")[2]
    config = json.loads(text.partition("```json")[2].partition("```")[0])
    stack = Stack(locales=("en-us",))
    fields = [{"uid": "title", "data_type": "text"}, {"uid": "body", "data_type": "text"}]
    stack.add_content_type({"uid": "story", "schema": fields})
    for uid, title in (("a", "One"), ("b", "Draft"), ("c", None), ("d", "Four")):
        stack.publish_entry("story", uid, {"title": title, "body": "…"}, ["en-us"])
    with Sandbox(stack) as sandbox:
        first = load(sandbox, **config).check()
        stack.publish_entry("story", "a", {"title": "Draft"}, ["en-us"])
        stack.delete_entry("story", "d")
        table = load(sandbox, state=first.state, **config).check().tables(first)["stories"]
    assert set(first.tables()["stories"]) == {("a/en-us",), ("c/en-us",), ("d/en-us",)}
    assert {key: row["headline"] for key, row in table.items()} == {("c/en-us",): None}
    assert "body" not in first.schemas["stories"]["properties"]


def test_what_is_listed_to_check_a_delete_goes_through_no_map(sandbox):
    first = load(sandbox)
    sandbox.behaviour = Behaviour(deletes="nameless")
    sandbox.stack.delete_entry("p", "b")
    sandbox.faults.add(Fault(status=403, path="[$]in", times=None))
    second = load(sandbox, state=first.state, **maps({"y": "x[100]"}))  # which no published item has
    assert "all that is published is listed" in second.err
    assert set(rows(second, first)) == {"a"}


# All streams of a site at once


def test_stream_maps_rename_compute_and_remove(site, plain):
    maps = {
        "entries_story": {"shout": "title.upper() if title else None", "body": None, "__alias__": "stories"},
        "assets": {"__source__": "assets", "size": "int(file_size) if file_size else None"},
        "content_types": {"schema": None},
        "entries_topic": None,
    }
    output = load(site, stream_maps=maps).check(history=True)
    before, after = plain.tables(), output.tables()
    assert "entries_story" not in output.schemas
    assert "entries_topic" not in output.record_counts
    assert set(after["stories"]) == set(before["entries_story"])
    for key, row in after["stories"].items():
        assert row["shout"] == before["entries_story"][key]["title"].upper()
        assert "body" not in row
    assert all(row["size"] == int(row["file_size"]) for row in after["assets"].values())
    assert after["entries_author"] == before["entries_author"]
    assert {each["stream"] for each in output.of_type("ACTIVATE_VERSION")} >= {"stories", "assets"}


def test_stream_maps_else_leaves_all_other_streams_out(site, plain):
    output = load(site, stream_maps={"assets": {}, "__else__": None})
    assert set(output.record_counts) == {"assets"}
    assert output.of_type("SCHEMA", LOADS) == []
    columns = output.schemas["assets"]["properties"].keys() - {"_load_version"}
    assert output.tables()["assets"] == {
        key: dict.fromkeys(columns) | row for key, row in plain.tables()["assets"].items()
    }


def test_a_filter_of_stream_maps_lets_tombstones_through_that_it_matches(small):
    config = {"stream_maps": {"entries_page": {"__filter__": "_publish_locale == 'en-us'"}}}
    first = load(small, **config)
    assert set(first.tables()["entries_page"]) == {("page1", "en-us")}
    small.stack.delete_entry("page", "page1")
    second = load(small, state=first.state, **config)
    assert second.tables(first)["entries_page"] == {}
    assert second.record_counts["entries_page"] == 1
