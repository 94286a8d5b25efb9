"""Batch files: of another size than the feed's pages, and in runs that end early."""

from __future__ import annotations

import gzip
import json
import signal
import time
from pathlib import Path

import pytest

from sandbox import Behaviour, Fault, Sandbox, Stack, seeded_stack
from tests.command.catalogs import select
from tests.tap_process import ITEM_KEYS, LIST_KEYS, LISTS, Output, Reader, Tables, load, run_tap, started, wait_until

PAGES = "/v3/stacks/sync.*pagination"


def batches(root: Path, size: int) -> dict[str, object]:
    encoding = {"format": "jsonl", "compression": "gzip"}
    return {"batch_config": {"encoding": encoding, "storage": {"root": root.as_uri()}, "batch_size": size}}


def uids(*outputs: Output) -> list[str]:
    """Return the entries in the announced files."""
    files = [
        Path(file.removeprefix("file://"))
        for output in outputs
        for message in output.of_type("BATCH")
        if message["stream"] == "entries_page"
        for file in message["manifest"]
    ]
    return [json.loads(line)["uid"] for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


@pytest.fixture
def sandbox():
    stack = Stack(locales=("en-us",))
    stack.add_content_type({"uid": "page", "schema": [{"uid": "title", "data_type": "text"}]})
    for number in range(40):
        stack.publish_entry("page", f"page{number}", {"title": "one"})
    with Sandbox(stack, Behaviour(history=False), page_size=10) as sandbox:
        yield sandbox


def without_extras(tables: Tables) -> Tables:
    """Leave out what differs from run to run, and nulls that a record may as well not have."""
    extra = {"_sdc_table_version"}
    return {
        name: {
            key: {column: value for column, value in row.items() if column not in extra and value is not None}
            for key, row in table.items()
        }
        for name, table in tables.items()
        if table
    }


def test_batch_files_hold_the_same_rows_with_their_version(site, plain, tmp_path):
    config = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    output = load(site, batch_config={**config, "batch_size": 20})
    assert not output.record_counts
    rows: Tables = {}
    for message in output.of_type("BATCH"):
        stream = message["stream"]
        version = output.state["bookmarks"][stream]["version"]
        for file in message["manifest"]:
            lines = gzip.decompress(Path(file.removeprefix("file://")).read_bytes()).splitlines()
            assert 0 < len(lines) <= 20
            for line in lines:
                row = json.loads(line)
                assert row["_sdc_table_version"] == version
                assert row.pop("_load_version") == version
                key = tuple(row[column] for column in LIST_KEYS.get(stream, ITEM_KEYS))
                assert key not in rows.setdefault(stream, {})
                rows[stream][key] = row
    assert without_extras(rows) == without_extras(plain.tables())
    for stream, bookmark in output.state["bookmarks"].items():
        order = [each["type"] for each in output.messages if each.get("stream") == stream]
        assert order[0] == "SCHEMA"
        assert order[-1] == "ACTIVATE_VERSION"
        assert output.schemas[stream]["properties"]["_sdc_table_version"]
        assert output.of_type("ACTIVATE_VERSION", stream)[0]["version"] == bookmark["version"]


def test_the_version_of_batch_files_cannot_be_deselected(small, tmp_path):
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    select(catalog, "entries_page", "_sdc_table_version", selected=False)
    config = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    output = load(small, batch_config=config, catalog=catalog)
    assert output.schemas["entries_page"]["properties"]["_sdc_table_version"]["type"] == ["integer", "null"]


def test_batch_files_bring_deltas_as_well(small, tmp_path):
    config = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    first = load(small, batch_config=config)
    small.stack.unpublish_entry("page", "page1", "fr-fr")
    second = load(small, batch_config=config, state=first.state)
    (message,) = second.of_type("BATCH", "entries_page")
    rows = [
        json.loads(line)
        for file in message["manifest"]
        for line in gzip.decompress(Path(file.removeprefix("file://")).read_bytes()).splitlines()
    ]
    assert [(row["uid"], row["_publish_locale"], row["_sync_type"]) for row in rows] == [
        ("page1", "fr-fr", "entry_unpublished")
    ]
    assert "STATE" in [each["type"] for each in second.messages[second.messages.index(message) :]]


def test_parquet_is_refused_with_the_way_out(sandbox, tmp_path):
    batches = {"encoding": {"format": "parquet"}, "storage": {"root": tmp_path.as_uri()}}
    output = run_tap({**sandbox.settings, "batch_config": batches})
    assert output.code == 1
    assert "jsonl" in output.last_line


def test_records_that_are_held_back_count_as_seen(tmp_path):
    with Sandbox(seeded_stack(seed=23, entries=60), page_size=5) as sandbox:
        output = load(sandbox, **batches(tmp_path, 7))
        assert "restarts" not in output.err
        assert sum("init" in request.params for request in sandbox.requests) == len(output.schemas) - len(LISTS)
    assert len(list(tmp_path.glob("*.json.gz"))) > len(output.schemas)


def test_a_page_that_fails_for_good_leaves_what_came_before_it(sandbox, tmp_path):
    sandbox.faults.add(Fault(status=403, times=None, after=2, path=PAGES))
    first = run_tap(sandbox.settings | batches(tmp_path, 1000))
    assert first.code == 1
    bookmark = first.state["bookmarks"]["entries_page"]
    assert bookmark["pagination_token"]
    assert bookmark["items_seen"] == len(uids(first)) == 30
    sandbox.faults.clear()
    second = load(sandbox, state=first.state, **batches(tmp_path, 1000))
    assert sorted(uids(first, second)) == sorted(f"page{number}" for number in range(40))


def test_a_signal_leaves_what_came_before_it(sandbox, tmp_path):
    sandbox.faults.add(Fault(kind="slow", delay=8, times=None, after=2, path=PAGES))
    with started(sandbox.settings | batches(tmp_path, 1000)) as process:
        reader = Reader(process)
        wait_until(lambda: sum("pagination_token" in each.params for each in sandbox.requests) == 2)
        time.sleep(0.5)  # until the page is written, and the next one waited for
        process.send_signal(signal.SIGTERM)
        first = reader.finish(process, timeout=10)
    assert first.code == 128 + signal.SIGTERM
    assert first.state["bookmarks"]["entries_page"]["items_seen"] == len(uids(first)) >= 20
    sandbox.faults.clear()
    second = load(sandbox, state=first.state, **batches(tmp_path, 1000))
    assert sorted(uids(first, second)) == sorted(f"page{number}" for number in range(40))
