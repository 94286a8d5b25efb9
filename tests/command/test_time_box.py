"""Runs that end before they are complete, with the real command: what they leave, and how the next ones continue."""

from __future__ import annotations

import json
import signal
import typing as t

import pytest

from sandbox import Fault
from tests.tap_process import Output, Reader, fail, keys_of, published, run_tap, started

SYNC = "/v3/stacks/sync"
UNFINISHED = 75


@pytest.fixture
def path(tmp_path) -> t.Any:
    return tmp_path / "summary.json"


def boxed(sandbox, path, outputs: list[Output], seconds: float) -> Output:
    config = {**sandbox.settings, "max_run_seconds": seconds, "summary_path": str(path), "max_concurrency": 2}
    output = run_tap(config, state=outputs[-1].state if outputs else None)
    outputs.append(output.check(history=True))
    return output


def test_runs_that_are_too_short_come_to_an_end_together(sandbox, path):
    sandbox.page_size, sandbox.latency = 3, 0.2
    outputs: list[Output] = []
    codes: list[int] = []
    outcomes: list[str] = []
    while not codes or (codes[-1] == UNFINISHED and len(codes) < 30):
        codes.append(boxed(sandbox, path, outputs, 3).code)
        outcomes.append(json.loads(path.read_text())["outcome"])
    assert len(codes) > 2
    assert codes == [UNFINISHED] * (len(codes) - 1) + [0]
    assert outcomes == ["unfinished"] * (len(codes) - 1) + ["complete"]
    assert keys_of(outputs[-1].tables(*outputs[:-1])) == keys_of(published(sandbox))
    assert sum("init" in request.params for request in sandbox.requests) == len(
        [each for each in outputs[-1].state["bookmarks"] if each.startswith(("entries_", "assets"))]
    )


def test_the_last_line_of_an_unfinished_run_says_what_is_left(sandbox, path):
    sandbox.page_size, sandbox.latency = 3, 0.3
    output = boxed(sandbox, path, [], 2)
    summary = json.loads(path.read_text())
    left = [name for name, stream in summary["streams"].items() if stream["outcome"] == "unfinished"]
    assert "Unfinished: max_run_seconds has elapsed, and" in output.last_line
    assert f"{len(left)} of {len(summary['streams'])} streams are unfinished (" in output.last_line
    assert output.last_line.endswith("run again to continue")
    assert summary["reason"] in output.last_line


def test_a_box_in_which_nothing_could_be_loaded_is_a_failure(sandbox, path):
    sandbox.faults.add(Fault(status=429, retry_after=60, times=None, path=SYNC))
    output = boxed(sandbox, path, [], 1)
    assert output.code == 1
    assert "max_run_seconds has elapsed before any page could be loaded" in output.last_line
    assert json.loads(path.read_text())["outcome"] == "failed"


def test_a_stopped_run_leaves_a_summary(sandbox, path):
    sandbox.faults.add(Fault(kind="slow", delay=20, times=None, path=SYNC))
    with started({**sandbox.settings, "summary_path": str(path)}) as process:
        reader = Reader(process)
        reader.wait_for(b'"type":"STATE"')
        process.send_signal(signal.SIGTERM)
        output = reader.finish(process, timeout=8)
    summary = json.loads(path.read_text())
    assert (output.code, summary["exit_code"], summary["outcome"]) == (143, 143, "stopped")
    assert summary["reason"] == "stopped by signal 15"
    assert summary["streams"]["assets"]["outcome"] == "unfinished"


def test_a_failed_stream_has_its_reason_in_the_summary(sandbox, path):
    sandbox.faults.add(Fault(status=400, path=f"{SYNC}.*asset_published", times=None))
    fail({**sandbox.settings, "summary_path": str(path)})
    streams = json.loads(path.read_text())["streams"]
    assert streams["assets"]["outcome"] == "failed"
    assert "the API refused a request" in streams["assets"]["reason"]
    assert {stream["outcome"] for name, stream in streams.items() if name != "assets"} == {"complete"}


@pytest.mark.parametrize("wrong", [{"access_token": "cswrong0123456789"}, {"region": "mars"}])
def test_a_run_that_cannot_begin_leaves_a_summary(sandbox, path, wrong):
    output = fail({**sandbox.settings, "summary_path": str(path), **wrong})
    summary = json.loads(path.read_text())
    assert (summary["outcome"], summary["exit_code"], summary["streams"]) == ("failed", 1, {})
    assert summary["reason"] in output.last_line


def test_a_summary_that_cannot_be_written_stops_the_run_before_it_begins(sandbox, tmp_path):
    output = fail({**sandbox.settings, "summary_path": str(tmp_path / "nowhere" / "summary.json")})
    assert "summary_path: " in output.last_line
    assert sandbox.requests == []


@pytest.mark.parametrize(("stopped", "code"), [(False, 0), (True, 143)], ids=["left alone", "stopped"])
def test_a_summary_that_can_no_longer_be_written_is_an_error_line_and_nothing_more(sandbox, tmp_path, stopped, code):
    folder = tmp_path / "folder"
    folder.mkdir()
    sandbox.page_size, sandbox.latency = 3, 0.2
    with started({**sandbox.settings, "summary_path": str(folder / "summary.json")}) as process:
        reader = Reader(process)
        reader.wait_for(b'"type":"STATE"')
        folder.rmdir()
        if stopped:
            reader.wait_for(b"complete: ", "err")
            process.send_signal(signal.SIGTERM)
        output = reader.finish(process, timeout=30)
    assert output.code == code
    assert output.err.count(f"summary_path: {folder}/summary.json cannot be written: No such file or directory") == 1
    assert "Traceback" not in output.err
    assert output.states[0] != output.state
    assert ("Totals: " in output.err) is not stopped
