"""Ends that come from outside: signals and broken pipes, at any moment, with the real command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from sandbox import Behaviour, Fault, Sandbox, Stack
from tests.tap_process import Output, Process, Reader, keys_of, load, published, started, wait_until

SYNC = "/v3/stacks/sync"
PROMPT = 2.0
"""Seconds in which a run ends when it is asked to."""


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    """A stack of some pages, without history: what an initial pass has seen is what it has written."""
    stack = Stack(locales=("en-us",))
    for uid in ("page", "tag"):
        stack.add_content_type({"uid": uid, "schema": [{"uid": "title", "data_type": "text"}]})
        for number in range(40):
            stack.publish_entry(uid, f"{uid}{number}", {"title": f"{uid} {number}" + "x" * 2000})
    with Sandbox(stack, Behaviour(history=False), page_size=10) as sandbox:
        yield sandbox


def stop(process: Process, reader: Reader, number: signal.Signals) -> Output:
    """Ask a run to end, and check that it does so in time and as it should."""
    began = time.monotonic()
    process.send_signal(number)
    output = reader.finish(process, timeout=10)
    assert time.monotonic() - began < PROMPT + 0.5
    assert output.code == 128 + number
    assert "Traceback" not in output.err, output.err
    return output.check()


def go_on(sandbox: Sandbox, output: Output) -> Output:
    """Run again from what a stopped run left, and check that the target then has what is published."""
    sandbox.faults.clear()
    sandbox.latency = 0
    second = load(sandbox, state=output.state)
    assert keys_of(second.tables(output)) == keys_of(published(sandbox))
    return second


@pytest.fixture(params=[signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def number(request) -> signal.Signals:
    return t.cast("signal.Signals", request.param)


def test_a_run_that_waits_for_its_next_attempt_ends_at_once_and_goes_on_later(sandbox, number):
    sandbox.faults.add(Fault(status=429, retry_after=600, times=None, after=5, path=f"{SYNC}.*(pagination|page)"))
    with started(sandbox.settings) as process:
        reader = Reader(process)
        reader.wait_for(b"is throttling (HTTP 429); waiting", "err")
        output = stop(process, reader, number)
    assert output.messages[-1]["type"] == "STATE"
    second = go_on(sandbox, output)
    assert "restarts" not in second.err


def test_a_run_that_still_checks_its_settings_ends_at_once(sandbox, number):
    sandbox.faults.add(Fault(status=503, headers={"Retry-After": "60"}, times=None, path=SYNC))
    with started({**sandbox.settings, "locales": ["en-us"]}) as process:
        reader = Reader(process)
        reader.wait_for(b"failed temporarily (HTTP 503", "err")
        output = stop(process, reader, number)
    assert not output.records("entries_page")
    sandbox.faults.clear()
    second = load(sandbox, state=output.state if output.states else None, locales=["en-us"])
    assert keys_of(second.tables()) == keys_of(published(sandbox))


def test_the_last_state_is_out_before_batch_files_that_take_long(sandbox, tmp_path):
    program = """
import time
from tap_contentstack.cli import main
from tap_contentstack.singer.streams import FeedStream
FeedStream.leave = lambda _: time.sleep(9)
main()
"""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(sandbox.settings))
    sandbox.faults.add(Fault(kind="slow", delay=20, times=None, after=5, path=SYNC))
    command = [sys.executable, "-c", program, f"--config={config}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        reader = Reader(process)
        reader.wait_for(b'"type":"RECORD"')
        time.sleep(0.5)
        output = stop(process, reader, signal.SIGTERM)
    for name in ("entries_page", "entries_tag"):
        assert output.state["bookmarks"][name]["items_seen"] == output.record_counts[name] > 0


def test_a_run_that_waits_for_a_slow_answer_ends_at_once(sandbox, number):
    sandbox.faults.add(Fault(kind="slow", delay=8, times=None, after=4, path=SYNC))
    with started(sandbox.settings) as process:
        reader = Reader(process)
        reader.wait_for(b'"type":"RECORD"')
        time.sleep(0.2)
        output = stop(process, reader, number)
    go_on(sandbox, output)


@pytest.mark.parametrize("args", [[], ["--discover"], ["--test"]], ids=["run", "discover", "test"])
@pytest.mark.parametrize("fault", [Fault(kind="slow", delay=8, times=None), Fault(status=503, times=None)], ids=str)
def test_discovery_can_be_stopped(sandbox, args, fault):
    sandbox.faults.add(Fault(kind=fault.kind, status=fault.status, delay=fault.delay, times=None))
    with started({**sandbox.settings, "max_retries": 50}, *args) as process:
        reader = Reader(process)
        if fault.kind == "slow":
            reader.wait_for(b"env var settings", "err")
            time.sleep(0.3)
        else:
            reader.wait_for(b"before attempt 2", "err")
        output = stop(process, reader, signal.SIGTERM)
    assert output.out == b""


def test_a_stopped_run_leaves_its_checkpoint_and_the_next_one_goes_on_from_there(sandbox):
    sandbox.latency = 0.15
    with started({**sandbox.settings, "max_concurrency": 1, "content_types": ["page"]}) as process:
        reader = Reader(process)
        wait_until(lambda: any("pagination_token" in each.params for each in sandbox.requests))
        wait_until(lambda: reader.out.count(b'"entries_page","record"') >= 20)
        output = stop(process, reader, signal.SIGTERM)
    bookmark = output.state["bookmarks"]["entries_page"]
    assert bookmark["pagination_token"]
    assert bookmark["replication_key_value"] is None
    assert bookmark["items_seen"] == output.record_counts["entries_page"] >= 20
    sandbox.requests.clear()
    sandbox.latency = 0
    second = load(sandbox, state=output.state, content_types=["page"])
    assert bookmark["pagination_token"] in {each.params.get("pagination_token") for each in sandbox.requests}
    assert second.record_counts["entries_page"] == 40 - bookmark["items_seen"]
    rows = second.tables(output)["entries_page"]
    assert len(rows) == 40


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.2, 0.3, 0.4])
def test_whenever_a_run_is_stopped_what_it_left_is_true(sandbox, moment):
    sandbox.latency = 0.1
    with started(sandbox.settings) as process:
        reader = Reader(process)
        wait_until(lambda: len(sandbox.requests) > 0)
        time.sleep(moment)
        output = stop(process, reader, signal.SIGTERM)
    if output.out:
        go_on(sandbox, output)


def test_a_run_whose_target_does_not_read_ends_all_the_same(sandbox, number):
    for each in range(60):  # more than any pipe holds
        sandbox.stack.publish_entry("page", f"long{each}", {"title": "x" * 50_000})
    with started(sandbox.settings) as process:
        wait_until(lambda: len(sandbox.requests) > 6)
        time.sleep(1.2)  # now the pipe is full
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 128 + number
        assert time.monotonic() - began < PROMPT + 0.5
        assert process.stdout is not None
        out = process.stdout.read()
    # Only the line that the target never took may be torn: nothing can be put behind it.
    whole = out[: out.rfind(b"\n") + 1]
    output = Output(0, whole, "").check()
    assert output.states
    go_on(sandbox, output)


def test_a_target_that_dies_ends_the_run_with_a_sentence(sandbox):
    sandbox.latency = 0.05
    with started(sandbox.settings) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read().decode()
        code = process.wait(10)
        process.stdout = None
    assert json.loads(first)["type"] in {"STATE", "SCHEMA"}
    assert code not in {0, None}
    assert "Traceback" not in err, err
    assert "Exception ignored" not in err, err
    assert "The target stopped reading" in err.splitlines()[-1]
    assert "unhandled" not in err


def test_a_target_that_was_never_there_ends_the_run_without_a_traceback(sandbox):
    with started(sandbox.settings) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read().decode()
        code = process.wait(10)
        process.stdout = None
    assert code == 1
    assert "Traceback" not in err, err
    assert "The target stopped reading" in err.splitlines()[-1]


def test_without_a_stdout_the_run_ends_with_a_sentence(sandbox, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(sandbox.settings))
    command = f'"{sys.executable}" -m tap_contentstack --config "{config}" >&-'
    run = subprocess.run(["/bin/sh", "-c", command], stderr=subprocess.PIPE, check=False, timeout=30)
    assert run.returncode == 1
    assert b"Traceback" not in run.stderr
    assert b"stdout is closed" in run.stderr.splitlines()[-1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has this device")
def test_a_full_disk_ends_the_run_with_a_sentence(sandbox, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(sandbox.settings))
    command = [sys.executable, "-m", "tap_contentstack", "--config", str(config)]
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=30)
    assert run.returncode == 1
    assert b"The output cannot be written (No space left on device)" in run.stderr.splitlines()[-1]


def test_a_killed_run_goes_on_from_any_state_that_it_wrote(sandbox):
    sandbox.latency = 0.3
    with started({**sandbox.settings, "max_concurrency": 2}) as process:
        reader = Reader(process)
        wait_until(lambda: reader.out.count(b'"type":"STATE"') >= 3, 20)
        os.kill(process.pid, signal.SIGKILL)
        output = reader.finish(process, timeout=10)
    whole = output.out[: output.out.rfind(b"\n") + 1]
    killed = Output(0, whole, "").check()
    sandbox.latency = 0
    for state in {json.dumps(state): state for state in killed.states}.values():
        second = load(sandbox, state=state)
        assert keys_of(second.tables(killed)) == keys_of(published(sandbox))
