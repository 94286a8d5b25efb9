"""`make dagster`: Dagster loads a sample stack into a real Postgres by its schedule, through edits and a SIGKILL."""

from __future__ import annotations

import argparse
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
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import yaml

from demo.__main__ import SCHEMA, edit, show
from demo.meltano import FOREIGN, MELTANO_YML
from demo.postgres import Postgres, PostgresError, free_port
from sandbox.event import SYS_ASSETS
from sandbox.seed import seeded_stack
from sandbox.service import Sandbox
from tap_contentstack.schema.names import stream_name
from tests.model.compare import differences
from tests.model.warehouse import Warehouse
from tests.tap_process import LISTS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import psycopg

    from tests.model.world import World

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
STARTS = {"ExecutionStepStartEvent", "ExecutionStepRestartEvent"}
NEW, NEW_ENTRIES = "memo", 700
GONE = "event"
PAGES_BEFORE = 5


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
        try:
            wait_for("dagster dev to answer", self._answers)
        except BaseException:
            self.stop()
            raise
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


def _children_of(*parents: int) -> set[int]:
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


@dataclass
class Story:
    """What happened, for a person to read and for a test to check.

    Attributes:
        sandbox: The stack.
        connection: The warehouse.
        dagster: The orchestrator.
        victim: The step whose process was killed.
        attempts: How often each step of the second run was started.
    """

    sandbox: Sandbox
    connection: psycopg.Connection
    dagster: Dagster
    victim: str = ""
    attempts: Counter[str] | None = None

    def play(self) -> None:
        """Let the schedule load the stack, edit it, let the schedule load it again, and kill a step meanwhile.

        Raises:
            DagsterError: A run fails, or the tables are not what is published.
        """
        print("1. The daemon's schedule starts a run.")
        self._finish(0)
        print("2. The stack is edited; a content type is added, and another deleted.")
        edit(self.sandbox.stack)
        self._add_and_delete_types()
        print("\n3. The schedule starts another run; the process of a shard is killed in the middle of it.")
        self._kill()
        run = self._finish(1)
        starts = (each["stepKey"] for each in self.dagster.events(run.run_id) if each["__typename"] in STARTS)
        self.attempts = Counter(starts)
        for step, attempts in sorted(self.attempts.items()):
            print(f"  {step}: started {'once' if attempts == 1 else f'{attempts} times'}")

    def _finish(self, number: int) -> Run:
        run = wait_for(f"run {number + 1} to end", lambda: self.dagster.ended_run(number))
        print(f"  Run {number + 1} of {run.job} succeeded after {run.seconds:.0f} s.\n")
        compare(self.sandbox, self.connection)
        return run

    def _add_and_delete_types(self) -> None:
        stack = self.sandbox.stack
        stack.add_content_type({"uid": NEW, "schema": [{"uid": "title", "data_type": "text"}]})
        for number in range(NEW_ENTRIES):
            stack.publish_entry(NEW, f"blt{number:016x}", {"title": f"Memo {number}"})
        stack.delete_content_type(GONE)
        print(f"  added:       {NEW}, with {NEW_ENTRIES} entries\n  deleted:     {GONE}, with all of its entries")

    def _kill(self) -> None:
        """Kill the step that loads the new type, once it has read a few pages."""
        before = len(self.sandbox.requests)

        def pages() -> int:
            asked = [each for each in self.sandbox.requests[before:] if each.params.get("content_type_uid") == NEW]
            started = self.sandbox.requests.index(asked[0]) if len(asked) > 1 else len(self.sandbox.requests)
            return sum("pagination_token" in each.params for each in self.sandbox.requests[started:])

        wait_for(f"the second run to load {NEW}", lambda: pages() > PAGES_BEFORE, every=0.1)
        run = wait_for("the second run", lambda: self.dagster.nth_run(1))
        found = self.dagster.victim(run.run_id, stream_name(NEW))
        if found is None:
            msg = f"no step of the second run loads {NEW}"
            raise DagsterError(msg)
        self.victim, pid = found
        programs = _children_of(pid)
        os.kill(pid, signal.SIGKILL)
        print(f"  kill -KILL {pid}, the process of {self.victim}, after some pages of {NEW}")
        wait_for("tap and target to end with it", lambda: not programs & _children_of(pid, 1), every=0.1)
        print("  Tap and target ended with it.")


def compare(sandbox: Sandbox, connection: psycopg.Connection) -> None:
    """Compare every row and field with what is published, and show the counts.

    Raises:
        DagsterError: They differ.
    """
    stack, warehouse = sandbox.stack, Warehouse(connection, SCHEMA)
    world = t.cast("World", SimpleNamespace(stack=stack, sandbox=sandbox))
    streams = {"assets", *LISTS, *(stream_name(uid) for uid in {*stack.content_types, GONE})}
    published = Counter(
        "assets" if event.content_type_uid == SYS_ASSETS else stream_name(event.content_type_uid)
        for event in stack.shelf()
    )
    rows = [(each, published[each], len(warehouse.live(each))) for each in sorted(streams - LISTS)]
    show(("stream", "published", "rows"), rows)
    if found := list(differences(world, {}, warehouse, streams)):
        msg = "\n".join(["Postgres does not hold what is published:", *found[:10]])
        raise DagsterError(msg)
    print(f"  T = P: all {len(streams)} streams hold exactly what is published, row by row and field by field.\n")


def dagster_settings(sandbox: Sandbox, postgres: Postgres, folder: Path) -> dict[str, str]:
    """Return the environment variables of the Dagster project: every minute, and shards however small."""
    loaders = yaml.safe_load(MELTANO_YML.read_text())["plugins"]["loaders"]
    target = next(each for each in loaders if each["name"] == "target-postgres")["config"] | postgres.settings
    return {
        **{f"TAP_CONTENTSTACK_{name.upper()}": str(value) for name, value in sandbox.settings.items()},
        **{f"TARGET_POSTGRES_{name.upper()}": str(value) for name, value in target.items()},
        "CONTENTSTACK_STATE_URL": f"file://{folder}/states",
        "CONTENTSTACK_CRON": "* * * * *",
        "CONTENTSTACK_PAGES_PER_SHARD": "2",
        "CONTENTSTACK_SHARDS": "3",
    }


@contextmanager
def started() -> t.Iterator[Story]:
    """Start a stack, a Postgres and Dagster; stop them at the end."""
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="dagster-")))
        sandbox = resources.enter_context(Sandbox(seeded_stack(seed=7, entries=200), page_size=20))
        sandbox.latency = 0.2
        postgres = resources.enter_context(Postgres())
        connection = resources.enter_context(postgres.connect())
        dagster = resources.enter_context(Dagster(folder, dagster_settings(sandbox, postgres, folder)))
        yield Story(sandbox, connection, dagster)


def main() -> int:
    """Run it. However it ends, it leaves nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m demo.dagster", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    kept = parser.parse_args().keep
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with started() as story:
            print(f"A made-up stack, a Postgres and `dagster dev` run on this machine: {story.dagster.url}\n")
            story.play()
            if kept:
                print(f"Dagster's web page, {story.dagster.url}, stays until you press Ctrl-C.", flush=True)
                with suppress(KeyboardInterrupt):
                    threading.Event().wait()
    except (DagsterError, PostgresError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    print("Everything that was started has been stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
