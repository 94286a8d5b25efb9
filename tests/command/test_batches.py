"""Batch files: of another size than the feed's pages, and in runs that end early."""

from __future__ import annotations

import gzip
import json
import signal
import time
from pathlib import Path

import pytest

from sandbox import Behaviour, Fault, Sandbox, Stack, seeded_stack
from tests.tap_process import LISTS, Output, Reader, load, run_tap, started, wait_until

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
