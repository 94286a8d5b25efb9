"""`dagster dev` with the project in `integrations/dagster`: started, asked through its web page, and stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
import urllib.request
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from demo.meltano import FOREIGN
from demo.postgres import free_port

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json: t.TypeAlias = dict[str, t.Any]

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "integrations" / "dagster"
DAGSTER = ROOT / ".venv" / "dagster" / "bin" / "dagster"
LONGEST = 400.0
"""Seconds that anything may take; a run takes half a minute on an idle machine with two cores."""
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
RUNS = "{runsOrError(limit: 50) {... on Runs {results {runId status jobName startTime endTime}}}}"
"""The last one first."""
EVENTS = """query ($run: ID!) {logsForRun(runId: $run) {... on EventConnection {events {
  __typename ... on MessageEvent {message stepKey}
  ... on ExecutionStepFailureEvent {error {message causes {message}}}
  ... on DisplayableEvent {metadataEntries {label ... on TextMetadataEntry {text} ... on IntMetadataEntry {intValue}
    ... on JsonMetadataEntry {jsonString}}}
}}}}"""
LAUNCH = """mutation {launchRun(executionParams: {runConfigData: {}, selector: {jobName: "contentstack_production",
  repositoryLocationName: "contentstack_dagster.definitions", repositoryName: "__repository__"}}) {
  ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}}}"""
PARTITIONS = "{assetNodes {partitionKeys}}"


class DagsterError(RuntimeError):
    """Dagster did not do what it should; the text says what."""


@dataclass(frozen=True)
class Run:
    """A run, as Dagster knows it."""

    run_id: str
    status: str
    job: str
    started: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started


class Dagster:
    """`dagster dev` with the project in `integrations/dagster`, and what its web page is asked."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        """Prepare to run in an empty folder, with these environment variables."""
        self.folder = folder
        self.log = folder / "dagster.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith((*FOREIGN, "DAGSTER_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        self._environment = {**kept, **settings, "PATH": path, "DAGSTER_HOME": str(folder)}
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> t.Self:
        """Start it; it answers when this returns."""
        (self.folder / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
        port = str(free_port())
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [DAGSTER, "dev", "--host", "127.0.0.1", "--port", port],
                cwd=PROJECT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{port}"
        with ExitStack() as undo:
            undo.callback(self.stop)
            wait_for("dagster dev to answer", self._answers)
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and everything that it started."""
        self.stop()

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            msg = f"dagster dev ended: {self.log.read_text(errors='replace')[-2000:]}"
            raise DagsterError(msg)
        try:
            return bool(self.ask("{version}"))
        except OSError:
            return False

    def stop(self) -> None:
        """Stop it and everything that it started, which is in its session."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        for each in self.processes():
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self._process.wait()

    def processes(self) -> list[int]:
        """Return the processes of its session that are alive."""
        if self._process is None:
            return []
        listed = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True)
        alive = [int(pid) for pid, state in map(str.split, listed.stdout.splitlines()) if state[0] != "Z"]
        return [pid for pid in alive if _session_of(pid) == self._process.pid]

    def ask(self, query: str, **variables: str) -> Json:
        """Return the answer to a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.url}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            found = json.load(answer)
        if "errors" in found:
            raise DagsterError(found["errors"])
        return t.cast("Json", found["data"])

    def runs(self) -> list[Run]:
        """Return the runs, the first one first."""
        found = self.ask(RUNS)["runsOrError"]["results"]
        return [
            Run(each["runId"], each["status"], each["jobName"], each["startTime"] or 0, each["endTime"] or 0)
            for each in reversed(found)
        ]

    def nth_run(self, number: int) -> Run | None:
        """Return a run by its number, from 0, if there are so many."""
        return next(iter(self.runs()[number:]), None)

    def ended_run(self, number: int) -> Run | None:
        """Return a run by its number, if it has ended.

        Raises:
            DagsterError: It failed.
        """
        run = self.nth_run(number)
        if run is None or run.status not in ENDED:
            return None
        if run.status != "SUCCESS":
            msg = "\n".join([f"run {number + 1}: {run.status}", *self.messages(run.run_id)[-20:]])
            raise DagsterError(msg)
        return run

    def launch(self) -> str:
        """Start a run, and return its id."""
        return str(self.ask(LAUNCH)["launchRun"]["run"]["runId"])

    def streams(self) -> set[str]:
        """Return the streams that the asset has a partition of."""
        (asset,) = self.ask(PARTITIONS)["assetNodes"]
        return set(asset["partitionKeys"])

    def events(self, run_id: str) -> list[Json]:
        """Return the events of a run."""
        return t.cast("list[Json]", self.ask(EVENTS, run=run_id)["logsForRun"]["events"])

    def messages(self, run_id: str) -> list[str]:
        """Return the texts of a run's events."""
        return [
            f"{each['stepKey']}: {each['message']} {each.get('error') or ''}"
            for each in self.events(run_id)
            if each.get("message")
        ]

    def victim(self, run_id: str, stream: str) -> tuple[str, int] | None:
        """Return the step that loads a stream, and its process, if that has started."""
        shards: list[list[str]] = []
        for event in self.events(run_id):
            entries = {each["label"]: each for each in event.get("metadataEntries") or []}
            if event["__typename"] == "ExecutionStepOutputEvent" and "streams" in entries:
                shards.append(json.loads(entries["streams"]["jsonString"]))
            number = next((number for number, streams in enumerate(shards) if stream in streams), None)
            if event.get("stepKey") == f"load_production[{number}]" and "pid" in entries:
                return event["stepKey"], int(entries["pid"].get("text") or entries["pid"]["intValue"])
        return None


def children_of(*parents: int) -> set[int]:
    """Return the processes that these have started, and not waited for."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
    found = [line.split() for line in listed.stdout.splitlines()]
    return {int(pid) for pid, parent, state in found if int(parent) in parents and state[0] != "Z"}


def _session_of(pid: int) -> int | None:
    with suppress(ProcessLookupError):
        return os.getsid(pid)
    return None


T = t.TypeVar("T")


def wait_for(what: str, look: Callable[[], T | None], *, every: float = 0.5) -> T:
    """Look until there is something to see, and return it.

    Raises:
        DagsterError: It takes too long.
    """
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(every)
    msg = f"waited {LONGEST:.0f} s in vain for {what}"
    raise DagsterError(msg)
