"""`make demo` and `make demo KEEP=1`, as a newcomer runs them."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def read_until(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout
    read = ""
    for line in process.stdout:
        read += line
        if text in line:
            return read
    raise AssertionError(read)


def shell(command: str) -> str:
    done = subprocess.run(["/bin/sh", "-ec", command], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_demo_that_is_kept_leaves_everything_running():
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "demo", "--keep"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            read = read_until(process, "load again:")
            look, edit, load = re.findall(
                r"^  (?:look at the tables|edit the stack|load again): +(.*)$", read, re.MULTILINE
            )
            compared = re.findall(r"^  (\w+) +([a-z-]+) +(\d+) +(\d+) +\d+$", read, re.MULTILINE)
            assert {"assets", "entries_author", "entries_story"} <= {table for table, *_ in compared}
            assert read.count("live rows in Postgres") == 2  # before and after the edits
            assert all(counted == live for *_, counted, live in compared)
            assert "entries_story" in shell(look)
            assert shell(edit.partition(" (")[0])
            folder = Path(shlex.split(load)[1]).parent
            shell(load)
            process.send_signal(signal.SIGINT)
            process.wait(30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert not folder.exists()
