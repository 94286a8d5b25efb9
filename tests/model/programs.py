"""The tap and target-postgres as processes of their own, to be killed at will.

They are forked from one process that has imported both, as the imports take ten times as long as a small run.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path
from typing import Self

if t.TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

Victim: t.TypeAlias = t.Literal["tap", "target", "both"]

CHUNK = 65536
MESSAGE = 65536
PATIENCE = 60.0
"""Seconds after which a program that is silent counts as hung."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violence:
    """What is done to the two programs while they run.

    Attributes:
        victim: Whom it hits.
        after: How many bytes of the tap's output come through before.
        signal: What hits the tap; the target is always killed.
    """

    victim: Victim
    after: int
    signal: int = signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: the exit codes, whether somebody was killed, how many bytes came through, and the log's end."""

    tap: int
    target: int
    struck: bool
    passed: int
    log: str


class Programs:
    """The process that others are forked from."""

    def __enter__(self) -> Self:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "tests.model.programs", str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)
        theirs.close()
        self._socket = ours
        ours.settimeout(PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.wait(PATIENCE)

    def run(
        self,
        folder: Path,
        tap_arguments: list[str],
        target_arguments: list[str],
        states: Path,
        violence: Violence | None,
    ) -> Ending:
        """Run the tap into the target, and do to them what is to be done."""
        tap_out, tap_in = os.pipe()
        target_out, target_in = os.pipe()
        logs = [folder / "tap.log", folder / "target.log"]
        opened = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for path in (*logs, states)]
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            target = self._start("target", target_arguments, [target_out, opened[2], opened[1]])
            tap = self._start("tap", tap_arguments, [nothing, tap_in, opened[0]])
        finally:
            for descriptor in (tap_in, target_out, nothing, *opened):
                os.close(descriptor)
        try:
            struck, passed = pump(tap_out, target_in, tap, target, violence)
        finally:
            os.close(tap_out)
            os.close(target_in)
            codes = self._wait(tap), self._wait(target)
        log = "\n".join(path.read_text(errors="replace")[-3000:] for path in logs)
        return Ending(*codes, struck, passed, log)

    def _start(self, program: str, arguments: list[str], descriptors: list[int]) -> int:
        socket.send_fds(self._socket, [json.dumps([program, arguments]).encode()], descriptors)
        return int(self._socket.recv(MESSAGE))

    def _wait(self, pid: int) -> int:
        self._socket.send(json.dumps(["wait", pid]).encode())
        try:
            return int(self._socket.recv(MESSAGE))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            self._socket.recv(MESSAGE)
            raise


def pump(tap_out: int, target_in: int, tap: int, target: int, violence: Violence | None) -> tuple[bool, int]:
    """Pass the tap's output on to the target, up to the moment of violence.

    Returns:
        Whether somebody was killed, and how many bytes were read.
    """
    passed = 0
    while True:
        if violence is not None and passed >= violence.after:
            if violence.victim != "target":
                os.kill(tap, violence.signal)
            if violence.victim != "tap":
                os.kill(target, signal.SIGKILL)
            if violence.signal == signal.SIGKILL:
                return True, passed
            violence = None
        if not select.select([tap_out], [], [], PATIENCE)[0]:
            msg = "the tap is silent"
            raise TimeoutError(msg)
        chunk = os.read(tap_out, CHUNK if violence is None else min(CHUNK, violence.after - passed))
        if not chunk:
            return False, passed
        passed += len(chunk)
        try:
            while chunk:
                chunk = chunk[os.write(target_in, chunk) :]
        except BrokenPipeError:
            return False, passed


def fork_for(connection: socket.socket) -> None:
    """Start and wait for what is asked for, until nobody asks any more."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, MESSAGE, 3)
        if not message:
            return
        program, arguments = json.loads(message)
        if program == "wait":
            _, status = os.waitpid(arguments, 0)
            connection.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        pid = os.fork()
        if not pid:
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
            connection.close()
            be(program, arguments)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.send(str(pid).encode())


def be(program: str, arguments: list[str]) -> t.NoReturn:
    """Be the tap or the target, to the end."""
    from target_postgres.target import TargetPostgres  # noqa: PLC0415

    from tap_contentstack import cli  # noqa: PLC0415 - imported before the fork, or not at all

    code: t.Any = 0
    try:
        sys.argv = [program, *arguments]
        if program == "tap":
            cli.STARTED = time.time()
            cli.main()
        else:
            # Its own default would be the stdin of the process that did the imports.
            TargetPostgres.cli([*arguments, "--input", "/dev/stdin"])
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - the process ends here
        sys.excepthook(*t.cast("t.Any", sys.exc_info()))
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1 if code else 0)


if __name__ == "__main__":
    import target_postgres.target  # noqa: F401

    fork_for(socket.socket(fileno=int(sys.argv[1])))
