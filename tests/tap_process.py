"""Runs the real command as a process of its own, and reads what it wrote as a target would."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox import Sandbox

Json: t.TypeAlias = dict[str, t.Any]
Key: t.TypeAlias = tuple[str, ...]
Tables: t.TypeAlias = dict[str, dict[Key, Json]]

COMMAND = Path(sys.executable).parent / "tap-contentstack"
PREFIX = "TAP_CONTENTSTACK_"
LIST_KEYS = {
    "content_types": ["uid"],
    "global_fields": ["uid"],
    "taxonomies": ["uid"],
    "taxonomy_terms": ["taxonomy_uid", "uid"],
}
LISTS = set(LIST_KEYS)
"""Streams that every run rewrites."""
ITEM_KEYS = ["uid", "_publish_locale"]
LOADS = "loads"
"""The stream that says from which version on the rows of the others are live."""
LOAD_VERSION = "_load_version"
BOOKMARK_KEYS = {
    "replication_key",
    "replication_key_value",
    "pagination_token",
    "items_seen",
    "items_total",
    "restarts",
    "full_load_at",
    "served_at",
    "version",
    "scope",
    "content_type_uid",
    "locales",
    "types",
    "format",
}


@dataclass(frozen=True)
class Output:
    """What a run came to.

    Attributes:
        code: Exit code.
        out: stdout.
        err: stderr.
        seconds: How long it took.
    """

    code: int
    out: bytes
    err: str
    seconds: float = 0.0

    @cached_property
    def messages(self) -> list[Json]:
        assert self.out == b"" or self.out.endswith(b"\n"), "the last line is not whole"
        return [json.loads(line) for line in self.out.splitlines()]

    def of_type(self, kind: str, stream: str | None = None) -> list[Json]:
        return [each for each in self.messages if each["type"] == kind and stream in {None, each.get("stream")}]

    def records(self, stream: str | None = None) -> list[Json]:
        return [each["record"] for each in self.of_type("RECORD", stream)]

    @property
    def record_counts(self) -> Counter[str]:
        """The records of each stream but `loads`, of which each run writes some."""
        return Counter(each["stream"] for each in self.of_type("RECORD") if each["stream"] != LOADS)

    @property
    def loads(self) -> dict[str, Json]:
        """The last row of each stream in `loads`."""
        return {row["stream"]: row for row in self.records(LOADS)}

    @property
    def schemas(self) -> dict[str, Json]:
        """The schema of each stream but `loads`."""
        return {each["stream"]: each["schema"] for each in self.of_type("SCHEMA") if each["stream"] != LOADS}

    @property
    def states(self) -> list[Json]:
        return [each["value"] for each in self.of_type("STATE")]

    @property
    def state(self) -> Json:
        return self.states[-1]

    @property
    def last_line(self) -> str:
        return self.err.strip().splitlines()[-1]

    def tables(self, *earlier: Output) -> Tables:
        """Return what a target holds after this output, and earlier ones before it: rows that are live, by key.

        Without `loads`, and without the column of the version, which `check` compares.
        """
        rows: dict[str, dict[Key, tuple[Json, int | None]]] = defaultdict(dict)
        keys: dict[str, list[str]] = {}
        for message in [message for output in (*earlier, self) for message in output.messages]:
            stream = message.get("stream", "")
            if message["type"] == "SCHEMA":
                keys[stream] = message["key_properties"]
            elif message["type"] == "RECORD":
                record = message["record"]
                key = tuple(record[column] for column in keys[stream])
                if record.get("_sdc_deleted_at") is None:
                    rows[stream][key] = record, message.get("version")
                else:
                    rows[stream].pop(key, None)
            elif message["type"] == "ACTIVATE_VERSION":
                current = {key: row for key, row in rows[stream].items() if row[1] == message["version"]}
                rows[stream] = current
        return {
            stream: {key: {name: row[name] for name in row.keys() - {LOAD_VERSION}} for key, (row, _) in table.items()}
            for stream, table in rows.items()
            if stream != LOADS
        }

    def check(self, *, history: bool = False) -> t.Self:
        """Hold the messages to the rules of every run; return the output itself.

        Args:
            history: Whether an initial pass lists items that make no records; then these cannot be counted.
        """
        validators: dict[str, t.Any] = {}
        seen: Counter[tuple[str, int]] = Counter()
        activated: set[tuple[str, int]] = set()
        before: Json = {}
        for message in self.messages:
            kind, stream = message["type"], message.get("stream", "")
            if kind == "SCHEMA":
                assert stream not in validators, f"two SCHEMA messages of {stream}"
                validators[stream] = DEFAULT_JSONSCHEMA_VALIDATOR(message["schema"])
            elif kind == "RECORD":
                errors = [error.message for error in validators[stream].iter_errors(message["record"])]
                assert not errors, f"{stream}: {errors}"
                if stream == LOADS:
                    continue
                assert isinstance(message["version"], int)
                if stream in validators and LOAD_VERSION in validators[stream].schema["properties"]:
                    assert message["record"][LOAD_VERSION] == message["version"]
                seen[stream, message["version"]] += 1
            elif kind == "ACTIVATE_VERSION":
                assert stream in validators
                activated.add((stream, message["version"]))
            elif kind == "STATE":
                for name, bookmark in message["value"].get("bookmarks", {}).items():
                    if bookmark != before.get(name) and name in validators:
                        check_bookmark(name, bookmark, before.get(name), seen, activated, history=history)
                before = message["value"].get("bookmarks", {})
        return self


def check_bookmark(
    name: str,
    bookmark: Json,
    before: Json | None,
    seen: Counter[tuple[str, int]],
    activated: set[tuple[str, int]],
    *,
    history: bool,
) -> None:
    """Check that the messages so far cover a bookmark that has moved."""
    assert set(bookmark) == BOOKMARK_KEYS
    table = name, bookmark["version"]
    if bookmark["replication_key_value"] and (before is None or not before["replication_key_value"]):
        assert table in activated, f"{name} has a sync token before its sweep"
    if bookmark["pagination_token"] and not history and before and before["version"] == bookmark["version"]:
        least = bookmark["items_seen"] - before["items_seen"]
        assert seen[table] >= least, f"{name} has seen {least} items, of which {seen[table]} were written"


class Process(t.Protocol):
    """What a test does with a run that is under way."""

    pid: int
    stdout: t.IO[bytes] | None
    stderr: t.IO[bytes] | None
    returncode: int | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...
    def kill(self) -> None: ...


class Nursery:
    """A process that has imported the tap, and forks a run of it when asked: that takes a tenth of the time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.tap_process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # Coverage begins in each run, as it would in a process that has just been started.
                env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")},
                cwd=Path(__file__).parent.parent,
            )
        atexit.register(self._end)

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()

    def ask(self, question: Json, fds: t.Sequence[int] = ()) -> int | None:
        """Let the other process do something, and return what came of it."""
        socket.send_fds(self._socket, [json.dumps(question).encode() + b"\n"], fds)
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self._socket.recv(100)
        return t.cast("int | None", json.loads(answer))

    def start(self, args: list[str], env: Mapping[str, str], folder: str) -> Nursling:
        """Start the command with these arguments."""
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        pid = self.ask({"args": args, "env": dict(env), "folder": folder}, [out_end, err_end])
        os.close(out_end)
        os.close(err_end)
        return Nursling(self, t.cast("int", pid), os.fdopen(out, "rb"), os.fdopen(err, "rb"))

    @staticmethod
    def run(connection: socket.socket) -> None:
        """Be the other process."""
        from tap_contentstack import cli  # noqa: PLC0415 - this is what takes so long

        while True:
            text, fds, _, _ = socket.recv_fds(connection, 1 << 20, 2)
            while text and not text.endswith(b"\n"):
                text += connection.recv(1 << 20)
            if not text:
                return
            question = json.loads(text)
            if "args" in question:
                pid = os.fork()
                if not pid:
                    connection.close()
                    be_the_command(cli, fds, **question)
                for fd in fds:
                    os.close(fd)
                answer: int | None = pid
            else:
                pid, status = os.waitpid(question["pid"], os.WNOHANG)
                answer = os.waitstatus_to_exitcode(status) if pid else None
            connection.sendall(json.dumps(answer).encode() + b"\n")


def be_the_command(cli: t.Any, fds: list[int], args: list[str], env: dict[str, str], folder: str) -> t.NoReturn:
    """Run the command in this process, as if it had just been started."""
    for number, fd in enumerate(fds, 1):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = args
    cli.STARTED = time.time()  # this process is older than the run that it is from now on
    if "COVERAGE_PROCESS_CONFIG" in env:
        import coverage  # noqa: PLC0415

        coverage.process_startup()
    cli.main()
    sys.exit()


@dataclass
class Nursling:
    """A run that the nursery forked."""

    nursery: Nursery
    pid: int
    stdout: t.IO[bytes] | None
    stderr: t.IO[bytes] | None
    returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self.nursery.ask({"pid": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        wait_until(lambda: self.poll() is not None, timeout or 60, "the command has not ended")
        return t.cast("int", self.returncode)

    def send_signal(self, sig: int, /) -> None:
        os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def nursery() -> Nursery:
    return Nursery()


@contextmanager
def started(
    config: object,
    *args: str,
    state: object = None,
    catalog: object = None,
    env: Mapping[str, str] | None = None,
    installed: bool = False,
) -> Iterator[Process]:
    """Start the command with its files; it is killed at the end if it is still there."""
    with tempfile.TemporaryDirectory() as folder:
        command: list[str] = [str(COMMAND), *args]
        for name, content in (("config", config), ("state", state), ("catalog", catalog)):
            if content is not None:
                path = Path(folder, f"{name}.json")
                path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
                command += [f"--{name}", str(path)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        clean |= env or {}
        process: Process
        if installed or sys.platform != "linux":
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
                env=clean,
                cwd=folder,
            )
        else:
            process = nursery().start(command, clean, folder)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(10)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()


def run_tap(
    config: object,
    *args: str,
    state: object = None,
    catalog: object = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 40,
    installed: bool = False,
) -> Output:
    """Run the command to its end.

    Args:
        config: The configuration; None gives the command no file.
        args: Further arguments.
        state: The content of its state file, as JSON or as it is (bytes).
        catalog: The same of its catalog.
        env: Further environment variables.
        timeout: Seconds after which it hangs.
        installed: Whether to start the installed program, which takes longer.
    """
    with started(config, *args, state=state, catalog=catalog, env=env, installed=installed) as process:
        return Reader(process).finish(process, timeout)


def load(sandbox: Sandbox, *args: str, state: object = None, catalog: object = None, **config: object) -> Output:
    """Run the command against a sandbox, and check that all went well."""
    output = run_tap({**sandbox.settings, **config}, *args, state=state, catalog=catalog)
    assert output.code == 0, output.err
    assert "Traceback" not in output.err, output.err
    return output


def fail(config: Mapping[str, t.Any] | None, *args: str, secrets: tuple[str, ...] = (), **files: t.Any) -> Output:
    """Run the command where it cannot succeed, and check that it says so as it should."""
    output = run_tap(config, *args, **files)
    assert output.code != 0
    assert "Traceback" not in output.err, output.err
    assert_no_secret(output, *secrets)
    return output


def assert_no_secret(output: Output, *secrets: str) -> None:
    for secret in secrets:
        assert secret not in output.err
        assert secret.encode() not in output.out


def published(sandbox: Sandbox) -> Tables:
    """Return the data of what is published, as tables."""
    tables: Tables = {f"entries_{uid}": {} for uid in sandbox.stack.content_types}
    tables["assets"] = {(uid, locale): data for (uid, locale), data in sandbox.published_assets().items()}
    for (content_type_uid, uid, locale), data in sandbox.published_entries().items():
        tables[f"entries_{content_type_uid}"][uid, locale] = data
    return tables


def keys_of(tables: Tables) -> dict[str, set[Key]]:
    """Return the keys of each table of items that has any."""
    return {name: set(table) for name, table in tables.items() if table and name not in {*LISTS, LOADS}}


class Reader:
    """Reads a process's stdout in a thread, so that a test can wait for what it writes."""

    def __init__(self, process: Process) -> None:
        self._began = time.monotonic()
        self.out = b""
        self.err = b""
        self._threads = [
            threading.Thread(target=self._read, args=(process.stdout, "out"), daemon=True),
            threading.Thread(target=self._read, args=(process.stderr, "err"), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, pipe: t.IO[bytes], name: str) -> None:
        for line in pipe:
            setattr(self, name, getattr(self, name) + line)

    def wait_for(self, text: bytes, name: str = "out", timeout: float = 15) -> None:
        wait_until(lambda: text in getattr(self, name), timeout, f"no {text!r} in {name}")

    def finish(self, process: Process, timeout: float) -> Output:
        code = process.wait(timeout)
        seconds = time.monotonic() - self._began
        for thread in self._threads:
            thread.join(5)
        return Output(code, self.out, self.err.decode(), seconds)


def wait_until(condition: t.Callable[[], bool], timeout: float = 15, what: str = "it did not happen") -> None:
    """Return when a condition holds.

    Raises:
        TimeoutError: It does not in time.
    """
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as parent:
        Nursery.run(parent)
