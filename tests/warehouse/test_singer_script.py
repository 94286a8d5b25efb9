"""`integrations/singer/run.sh`: the plain pipe, under `set -e`, with a real target and with targets that misbehave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from sandbox import Fault
from tests.tap_process import wait_until

SCRIPT = Path(__file__).parents[2] / "integrations" / "singer" / "run.sh"
BIN = Path(sys.executable).parent
OLD: dict[str, t.Any] = {"bookmarks": {"old": {}}}


class Run:
    """A folder with the files that the script takes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state.json"

    def write(self, name: str, content: object) -> str:
        path = self.folder / name
        path.write_text(json.dumps(content))
        return str(path)

    def target(self, script: str) -> str:
        """Make a target of a few lines of shell."""
        path = self.folder / "target"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    def start(self, config: object, target_config: object, target: str = "target-postgres") -> subprocess.Popen[str]:
        files = (self.write("config.json", config), self.write("target.json", target_config), str(self.state))
        return subprocess.Popen(
            ["/bin/sh", "-e", str(SCRIPT), *files, target],
            env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
            cwd=self.folder,
            text=True,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def __call__(self, *args: t.Any, code: int = 0) -> str:
        """Run the script and return what it logs."""
        process = self.start(*args)
        _, log = process.communicate(timeout=120)
        assert process.returncode == code, log
        return log

    @property
    def bookmarks(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", json.loads(self.state.read_text())["bookmarks"])


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def in_schema(postgres):
    return {**postgres.settings, "default_target_schema": "contentstack"}


def titles(connection):
    return dict(connection.execute("select uid, title from contentstack.entries_author where _sdc_deleted_at is null"))


def test_the_second_run_resumes_from_the_state_of_the_first(run, sandbox, postgres, connection):
    run(sandbox.settings, in_schema(postgres))
    uid, *_ = titles(connection)
    sandbox.stack.publish_entry("author", uid, {"title": "Changed"}, ["en-us"])
    sandbox.requests.clear()
    run(sandbox.settings, in_schema(postgres))
    assert titles(connection)[uid] == "Changed"
    assert not any("init" in request.params for request in sandbox.requests)


def test_the_state_of_a_run_that_failed_is_kept(run, sandbox, postgres):
    sandbox.faults.add(Fault(status=400, path="content_type_uid=author", times=None))
    log = run({**sandbox.settings, "max_retries": 0}, in_schema(postgres), code=1)
    assert "entries_author" in log
    assert run.bookmarks["assets"]["replication_key_value"]
    assert not run.bookmarks["entries_author"]["replication_key_value"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_run_that_is_stopped_keeps_the_state_that_the_target_confirmed(run, sandbox, postgres, number):
    sandbox.latency = 0.2
    process = run.start({**sandbox.settings, "max_concurrency": 1}, in_schema(postgres))
    wait_until(lambda: len(sandbox.requests) > 4, timeout=30)
    process.send_signal(number)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 143, log
    assert run.bookmarks
    sandbox.latency = 0
    run(sandbox.settings, in_schema(postgres))
    assert all(bookmark["replication_key_value"] for name, bookmark in run.bookmarks.items() if "entries" in name)


def test_a_state_that_is_cut_does_not_replace_a_whole_one(run, sandbox):
    run.write("state.json", OLD)
    target = run.target("""cat > /dev/null; printf '{"bookmarks": {"new": {}}}\\n{"bookmarks": {"newest": {}'""")
    log = run(sandbox.settings, {}, target, code=1)
    assert run.bookmarks.keys() == {"new"}
    assert "not a whole state" in log


def test_a_state_may_have_any_character(run, sandbox):
    target = run.target("""cat > /dev/null; printf '{"bookmarks": {"a\\342\\200\\250b": {}}}\\n'""")
    run(sandbox.settings, {}, target)
    assert run.bookmarks.keys() == {"a\u2028b"}


def test_a_target_that_confirms_nothing_leaves_the_state_as_it_was(run, sandbox):
    run.write("state.json", OLD)
    run(sandbox.settings, {}, run.target("cat > /dev/null"))
    assert run.bookmarks == OLD["bookmarks"]


def test_the_exit_code_of_a_target_that_fails_is_told(run, sandbox):
    run(sandbox.settings, {}, run.target("exit 7"), code=7)
    assert not run.state.exists()


def test_a_program_that_is_missing_is_named(run, sandbox):
    assert "target-nowhere is not on the PATH" in run(sandbox.settings, {}, "target-nowhere", code=2)


def test_no_process_is_left_behind(run, sandbox):
    pids = run.folder / "pids"
    run(sandbox.settings, {}, run.target(f"echo $$ > '{pids}'; cat > /dev/null"))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pids.read_text()), 0)
