"""How the Dagster project runs `tap | target`; both are a few lines of shell here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from contentstack_dagster import pipe
from tests.tap_process import wait_until

STATE = {"bookmarks": {"assets": {"version": 1}}}
SUMMARY = {"streams": {"assets": {"outcome": "complete"}}, "reason": None, "seconds": 1}
WRITE_SUMMARY = f"echo '{json.dumps(SUMMARY)}' > $TAP_CONTENTSTACK_SUMMARY_PATH"
ECHO_STATE = f"cat > /dev/null; echo '{json.dumps(STATE)}'"


def run(tap, target):
    confirmed = []
    ending = pipe.run(
        ["/bin/sh", "-c", tap],
        ["/bin/sh", "-c", target],
        os.environ,
        catalog={"streams": []},
        state={"bookmarks": {}},
        confirm=lambda *arguments: confirmed.append(arguments),
    )
    return ending, confirmed


def test_what_the_target_confirmed_is_handed_on():
    ending, confirmed = run(WRITE_SUMMARY, ECHO_STATE)
    assert (ending.code, ending.summary) == (0, SUMMARY)
    assert confirmed == [(STATE, SUMMARY["streams"])]


def test_only_a_whole_state_counts():
    _, confirmed = run(WRITE_SUMMARY, f"{ECHO_STATE}; printf '{{\"bookmarks\": {{'")
    assert confirmed == [(STATE, SUMMARY["streams"])]


@pytest.mark.parametrize(
    ("tap", "target", "code"),
    [("exit 75", ECHO_STATE, 75), ("exit 1", ECHO_STATE, 1), ("exit 75", f"{ECHO_STATE}; exit 3", 3)],
    ids=["unfinished", "failed tap", "failed target"],
)
def test_the_code_is_that_of_the_target_if_it_failed_or_else_the_taps(tap, target, code):
    ending, confirmed = run(f"{WRITE_SUMMARY}; {tap}", target)
    assert ending.code == code
    assert confirmed, "a state that was confirmed is kept, also if something failed after that"


def test_no_stream_counts_as_loaded_if_the_target_failed():
    ending, _ = run(WRITE_SUMMARY, "cat > /dev/null; exit 1")
    assert ending.summary["streams"] == {}
    assert "exit code 1" in ending.reason


def alive(group):
    """Return whether a process of the group is there, and no zombie that nobody has asked about."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True)
    return any(int(line.split()[0]) == group and "Z" not in line for line in listed.stdout.splitlines())


def start(folder, tap="trap '' TERM; sleep 60 & wait", target="sleep 60"):
    """Start a worker that runs two programs that last; return it and the group of the two."""
    script = (
        "import os, signal; from contentstack_dagster import pipe; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # ignored in what a shell starts with &
        f"pipe.run(['/bin/sh', '-c', {'echo $$ > pid; ' + tap!r}], ['/bin/sh', '-c', {target!r}], os.environ, "
        "catalog={}, state={}, confirm=lambda state, _: open('confirmed', 'w').write(str(state)))"
    )
    path = {"PYTHONPATH": str(Path(pipe.__file__).parents[1])}
    worker = subprocess.Popen(
        [sys.executable, "-c", script], cwd=folder, env={**os.environ, **path}, stderr=subprocess.DEVNULL
    )
    pid = folder / "pid"
    wait_until(lambda: pid.exists() and pid.read_text().strip())
    return worker, int(pid.read_text())


def test_tap_and_target_do_not_outlive_a_worker_that_is_killed(tmp_path):
    worker, group = start(tmp_path)
    assert alive(group)
    worker.kill()
    worker.wait()
    wait_until(lambda: not alive(group))


def test_what_was_confirmed_is_kept_when_the_worker_is_interrupted(tmp_path):
    worker, group = start(tmp_path, tap="exec sleep 60", target=f"sleep 1; touch ready; {ECHO_STATE}")
    wait_until((tmp_path / "ready").exists)
    worker.send_signal(signal.SIGINT)
    assert worker.wait(30) != 0
    assert "'version': 1" in (tmp_path / "confirmed").read_text()
    assert not alive(group)
