"""`make dagster`: Dagster loads a sandbox into a real Postgres on a schedule, through edits and a SIGKILL."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import typing as t
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import yaml

from demo.__main__ import SCHEMA, edit, show
from demo.dagster_dev import Dagster, DagsterError, Run, children_of, wait_for
from demo.meltano import MELTANO_YML
from demo.postgres import Postgres, PostgresError
from sandbox.event import SYS_ASSETS
from sandbox.seed import seeded_stack
from sandbox.service import Sandbox
from tap_contentstack.schema.names import stream_name
from tests.model.compare import differences
from tests.model.warehouse import Warehouse
from tests.tap_process import LISTS

if t.TYPE_CHECKING:
    import psycopg

    from tests.model.world import World

STARTS = {"ExecutionStepStartEvent", "ExecutionStepRestartEvent"}
NEW, NEW_ENTRIES = "memo", 700
GONE = "event"
PAGES_BEFORE = 5


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
        programs = children_of(pid)
        os.kill(pid, signal.SIGKILL)
        print(f"  kill -KILL {pid}, the process of {self.victim}, after some pages of {NEW}")
        wait_for("tap and target to end with it", lambda: not programs & children_of(pid, 1), every=0.1)
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
        for event in stack.live_events()
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
            print(f"A sandbox, a Postgres and `dagster dev` run on this machine: {story.dagster.url}\n")
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
