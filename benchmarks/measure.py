"""Starting programs, reading what they write, and taking their time and memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
import urllib.request
from dataclasses import dataclass
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from benchmarks.server import Stack

ROOT = Path(__file__).parent.parent
PEAK_PROGRAM = Path(__file__).with_name("peak.py")
CHUNK = 1 << 20
LONGEST_RUN = 180.0
"""Seconds: a program that takes longer is ended."""
WARM_UP = 0.2
"""Share of a program's output that the steady state leaves out."""
UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system counts peak memory."""


class ProgramError(RuntimeError):
    """A program did not do what it was started for; the text has its last words."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run of a program came to.

    Attributes:
        seconds: From the start to the end.
        peak: Bytes of memory that the program itself used at most (not its reader, not the server), if profiled.
        cpu_seconds: Seconds of processor time that it took, if profiled.
        marks: When the reader had what, in seconds and in marks (lines, if not told otherwise).
        output: Everything it wrote, if that was asked for.
    """

    seconds: float
    peak: int
    cpu_seconds: float
    marks: Sequence[tuple[float, int]]
    output: bytes

    @property
    def count(self) -> int:
        """How many lines were written."""
        return self.marks[-1][1] if self.marks else 0

    @property
    def pace(self) -> float:
        """Seconds a line in the steady state: from when a fifth of the lines was out to the last of them."""
        started, begun = next((when, count) for when, count in self.marks if count >= WARM_UP * self.count)
        ended, count = next((when, count) for when, count in self.marks if count == self.count)
        if count == begun:
            msg = f"the output came all at once: {count} lines are too few to see a pace"
            raise ProgramError(msg)
        return (ended - started) / (count - begun)

    @property
    def state(self) -> dict[str, t.Any]:
        """The last state that a tap wrote."""
        last = next(line for line in reversed(self.output.splitlines()) if line.startswith(b'{"type":"STATE"'))
        return t.cast("dict[str, t.Any]", json.loads(last)["value"])


def run(command: Sequence[str], *, mark: bytes = b"\n", keep: bool = False, profile: bool = False) -> Outcome:
    """Run a program to its end, reading its output as fast as it comes.

    Args:
        command: The program and its arguments.
        mark: What is counted in the output.
        keep: Whether to keep the output.
        profile: Whether to take its peak memory and processor time.

    Raises:
        ProgramError: It failed.
    """
    marks: list[tuple[float, int]] = []
    kept: list[bytes] = []
    count = 0
    with tempfile.TemporaryFile() as log, tempfile.NamedTemporaryFile() as usage:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(PEAK_PROGRAM), usage.name, *command] if profile else command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        watchdog = threading.Timer(LONGEST_RUN, _end, [process])
        watchdog.start()
        try:
            with process.stdout or open(os.devnull, "rb") as pipe:  # noqa: PTH123 - for the type checker
                while chunk := os.read(pipe.fileno(), CHUNK):
                    count += chunk.count(mark)
                    marks.append((time.perf_counter() - started, count))
                    if keep:
                        kept.append(chunk)
            process.wait()
        finally:
            watchdog.cancel()
            if process.poll() is None:
                _end(process)
                process.wait()
        seconds = time.perf_counter() - started
        if process.returncode:
            msg = f"{' '.join(command[2:3])} failed: {_last_words(log)}"
            raise ProgramError(msg)
        peak, cpu_seconds = map(float, usage.read().split() or (0, 0))
    return Outcome(seconds=seconds, peak=int(peak * UNIT), cpu_seconds=cpu_seconds, marks=marks, output=b"".join(kept))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it has started: it leads a session of its own."""
    os.killpg(process.pid, signal.SIGKILL)


def _last_words(log: t.IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


class Server:
    """The server of `benchmarks.server`, from `with` to the end of the block."""

    def __init__(self, stack: Stack) -> None:
        """Take what is to be served."""
        self.stack = stack
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start it; it takes requests when this returns."""
        command = [sys.executable, "-m", "benchmarks.server", self.stack.to_json()]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        port = self._process.stdout.readline().strip() if self._process.stdout else ""
        if not port:
            self._stop()
            msg = "the server did not start"
            raise ProgramError(msg)
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._stop()

    def _stop(self) -> None:
        if self._process is not None:
            try:
                self._process.communicate(timeout=5)  # closes its stdin, which ends it
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()

    def counts(self) -> dict[str, int]:
        """Return how many requests were answered, by path."""
        with urllib.request.urlopen(f"{self.url}/counts", timeout=10) as answer:  # noqa: S310 - our own server
            return t.cast("dict[str, int]", json.load(answer))
