"""A whole run: all streams at once under one pace, one failure at a time, one end."""

from __future__ import annotations

import io
import logging
import re
import signal
import typing as t
from itertools import pairwise

import pytest

from sandbox import Fault, Sandbox, Stack
from tap_contentstack.singer import run as run_module
from tap_contentstack.sync import progress
from tap_contentstack.tap import TapContentstack
from tests.tap_process import Reader, fail, keys_of, load, published, run_tap, started

SYNC = "/v3/stacks/sync"


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    """A stack of several streams, two pages each."""
    stack = Stack(locales=("en-us", "fr-fr"))
    for uid in ("book", "page", "pet", "tag"):
        stack.add_content_type({"uid": uid, "schema": [{"uid": "title", "data_type": "text"}]})
        for number in range(6):
            stack.publish_entry(uid, f"{uid}{number}", {}, ["en-us"])
    stack.publish_asset("asset0", {}, ["en-us"])
    with Sandbox(stack, page_size=3) as sandbox:
        yield sandbox


def test_a_rate_limit_slows_the_run_down_and_fails_nothing(sandbox):
    sandbox.rate_limit = 8
    output = load(sandbox).check()
    assert keys_of(output.tables()) == keys_of(published(sandbox))
    statuses = [request.status for request in sandbox.requests]
    assert statuses.count(429) < statuses.count(200)
    assert sandbox.requests[-1].time - sandbox.requests[0].time >= 1.0


def test_a_wait_that_the_api_asks_for_holds_all_feeds_back(sandbox):
    sandbox.page_size, sandbox.latency = 1, 0.1
    sandbox.faults.add(Fault(status=429, retry_after=1, path=f"{SYNC}.*content_type_uid=book"))
    load(sandbox)
    refused = next(request.time for request in sandbox.requests if request.status == 429)
    later = [request.time - refused for request in sandbox.requests if request.time > refused + 0.3]
    assert min(later) >= 0.9


def test_after_many_complaints_requests_keep_a_distance(sandbox):
    sandbox.faults.add(Fault(status=429, times=3, path=SYNC, retry_after=0))
    load(sandbox)
    times = [request.time for request in sandbox.requests if request.path == SYNC]
    refused = max(request.time for request in sandbox.requests if request.status == 429)
    gaps = [after - before for before, after in pairwise(times) if before > refused]
    assert sum(gaps) / len(gaps) > 0.01


def test_failures_of_one_reason_are_named_together(sandbox):
    sandbox.faults.add(Fault(status=400, path=f"{SYNC}.*content_type_uid=(book|pet)", times=None))
    output = fail(sandbox.settings)
    assert "2 of 9 streams failed (entries_book, entries_pet): the API refused a request" in output.last_line
    assert output.last_line.endswith("; the other 7 are complete")


def test_a_run_that_fails_keeps_what_is_finished_and_the_next_one_does_the_rest(sandbox):
    sandbox.faults.add(Fault(status=503, path=f"{SYNC}.*content_type_uid=book", times=None))
    first = fail({**sandbox.settings, "max_retries": 0}).check()
    sandbox.faults.clear()
    sandbox.requests.clear()
    second = load(sandbox, state=first.state).check()
    assert keys_of(second.tables(first)) == keys_of(published(sandbox))
    inits = [request.params for request in sandbox.requests if "init" in request.params]
    assert [params["content_type_uid"] for params in inits] == ["book"]


def test_faults_of_every_kind_that_pass_leave_no_trace_in_the_target(sandbox):
    for number, kind in enumerate(("status", "reset", "cut", "truncated", "html")):
        sandbox.faults.add(Fault(kind=t.cast("t.Any", kind), status=502, after=number, path=SYNC))
    output = load(sandbox).check()
    assert keys_of(output.tables()) == keys_of(published(sandbox))
    assert all(count <= 6 for count in output.record_counts.values())


def test_state_stays_rare_and_small(sandbox):
    output = load(sandbox)
    assert len(output.states) <= 3 + output.seconds
    assert len(str(output.state["bookmarks"]["entries_page"])) < 1500


def test_the_last_lines_say_what_the_run_came_to(sandbox):
    output = load(sandbox)
    done = next(line for line in output.err.splitlines() if "Totals: " in line)
    rows = f"{sum(output.record_counts.values()) - output.record_counts['loads']} records"
    assert f"Totals: {len(output.schemas)} streams complete, 5 reloaded, {rows}, 0 tombstones" in done
    assert f" {len(sandbox.requests)} requests (0 retries)" in done


def test_the_summary_counts_tombstones_requests_and_bytes(sandbox):
    first = load(sandbox)
    sandbox.stack.delete_entry("book", "book1")
    sandbox.requests.clear()
    second = load(sandbox, state=first.state)
    done = next(line for line in second.err.splitlines() if "Totals: " in line)
    assert ", 1 tombstones, " in done
    assert f", {len(sandbox.requests)} requests (0 retries), " in done
    received = re.search(r", ([0-9.]+) kB received", done)
    assert received
    assert float(received[1]) > 1


def test_a_long_run_speaks(sandbox, monkeypatch, caplog):
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    monkeypatch.setattr(run_module, "TICK", 0.01)
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO()))
    caplog.set_level(logging.INFO)
    sandbox.page_size, sandbox.latency = 1, 0.05
    tap = TapContentstack(config=sandbox.settings)
    assert tap.new_run().execute() == 0
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("Loading: ")]
    assert "Loading: " in lines[-1]
    shares = [int(share[1]) for line in lines if (share := re.search(r"slowest stream \S+: (\d+)%", line))]
    assert min(shares) < 100


def test_with_no_stream_selected_nothing_is_written_but_the_state(sandbox):
    first = load(sandbox)
    catalog: dict[str, t.Any] = {"streams": []}
    for name in first.schemas:
        root = {"breadcrumb": [], "metadata": {"selected": False}}
        catalog["streams"].append(
            {"tap_stream_id": name, "stream": name, "schema": first.schemas[name], "metadata": [root]}
        )
    second = load(sandbox, state=first.state, catalog=catalog)
    assert {each["type"] for each in second.messages} <= {"STATE"}
    assert all(state == first.state for state in second.states)


def test_a_page_that_is_fetched_ahead_in_vain_holds_up_no_connection_test(sandbox):
    sandbox.faults.add(Fault(kind="slow", delay=20, times=None, path=f"{SYNC}.*pagination_token"))
    assert run_tap(sandbox.settings, "--test", timeout=8).code == 0


@pytest.mark.parametrize("stopped", [False, True], ids=["left alone", "stopped"])
def test_a_page_that_is_fetched_ahead_in_vain_holds_up_no_end(sandbox, stopped):
    """The first page of a delta says that a content type is gone, so the stream starts over; the second one is slow."""
    first = load(sandbox, entry_streams="combined")
    for number in range(6):
        sandbox.stack.publish_entry("book", f"more{number}", {})
    sandbox.stack.delete_content_type("pet")
    sandbox.faults.add(Fault(kind="slow", delay=90, path=f"{SYNC}.*pagination_token"))
    with started({**sandbox.settings, "entry_streams": "combined"}, state=first.state) as process:
        reader = Reader(process)
        reader.wait_for(b"Totals: ", "err", timeout=45)
        if stopped:
            process.send_signal(signal.SIGTERM)
        output = reader.finish(process, timeout=30)
    assert output.code in ({0, 143, -15} if stopped else {0})
    rows = {key for name, keys in keys_of(published(sandbox)).items() if name != "assets" for key in keys}
    assert set(output.tables(first)["entries"]) == rows


def test_a_delta_cut_short_begins_again_from_its_token(sandbox):
    first = load(sandbox)
    for number in range(6):
        sandbox.stack.publish_entry("book", f"more{number}", {})
    sandbox.faults.add(Fault(status=503, times=None, path=f"{SYNC}.*pagination_token"))
    second = fail({**sandbox.settings, "max_retries": 0}, state=first.state).check()
    assert second.record_counts["entries_book"] == 3
    assert second.state["bookmarks"]["entries_book"] == first.state["bookmarks"]["entries_book"]
    sandbox.faults.clear()
    third = load(sandbox, state=second.state).check()
    assert third.record_counts["entries_book"] == 6
    assert keys_of(third.tables(first, second)) == keys_of(published(sandbox))
