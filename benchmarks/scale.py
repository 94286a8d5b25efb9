"""`make scale`: one process against several shards, into a real Postgres.

Each load is an initial pass by `tap | target-postgres`, packed and run as in the Dagster project, but without Dagster.
The table goes into docs/scaling.md, too.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import resource
import subprocess
import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from itertools import product
from pathlib import Path

from benchmarks.measure import ProgramError
from contentstack_dagster import pipe
from contentstack_dagster.shards import pack
from demo.postgres import Postgres
from sandbox.service import Sandbox
from sandbox.stack import Stack

if t.TYPE_CHECKING:
    from collections.abc import Collection

PAGE_SIZE = 100
EQUAL = (2,) * 16
ZIPF = (9, 5, 3, 2, 2, 2, *(1,) * 9)
LONG = (200,)
"""Pages of each content type."""
LATENCIES = (0.1, 2.0)
LIMITS = (None, 20.0)
"""Requests per second that the API allows. The loads are told, and share it."""
WAYS = ((1, 8), (1, 16), (2, 8), (4, 8))
"""Processes, and feeds at once in each."""
SCHEMA = "contentstack"
TAP, TARGET = ([str(Path(sys.executable).parent / name)] for name in ("tap-contentstack", "target-postgres"))
DOCS = Path(__file__).resolve().parent.parent / "docs" / "scaling.md"
BEGIN, END = "<!-- written by `make scale` -->\n", "<!-- end of what `make scale` wrote -->\n"
HEAD = ("pages per type", "s per page", "limit", "processes × streams", "seconds", "processor seconds", "429")


@dataclass(frozen=True)
class Load:
    """What a load took: wall time, processor time of taps and targets, and how many requests were answered with 429."""

    seconds: float
    cpu_seconds: float
    throttled: int


class Bench:
    """A stack and a warehouse to load it into, again and again."""

    def __init__(self, postgres: Postgres, pages: tuple[int, ...]) -> None:
        """Fill a stack with a content type for each number of pages."""
        self._postgres = postgres
        self.sandbox = Sandbox(Stack(), page_size=PAGE_SIZE)
        self._pages = {f"entries_type_{number}": size for number, size in enumerate(pages)}
        for number, size in enumerate(pages):
            self.sandbox.stack.add_content_type({"uid": f"type_{number}", "schema": FIELDS})
            for entry in range(size * PAGE_SIZE):
                data = {"title": f"Entry {entry}", "text": "A sentence or two. " * 20, "number": entry}
                self.sandbox.stack.publish_entry(f"type_{number}", f"blt{number:02x}{entry:014x}", data)

    def load(self, processes: int, feeds: int) -> Load:
        """Load everything once."""
        environment = {
            **os.environ,
            **{f"TAP_CONTENTSTACK_{name.upper()}": str(value) for name, value in self.sandbox.settings.items()},
            **{f"TARGET_POSTGRES_{name.upper()}": str(value) for name, value in self._postgres.settings.items()},
            "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": SCHEMA,
            "TARGET_POSTGRES_USE_COPY": "true",
            "TAP_CONTENTSTACK_MAX_CONCURRENCY": str(feeds),
        }
        if self.sandbox.rate_limit:
            environment["TAP_CONTENTSTACK_MAX_REQUESTS_PER_SECOND"] = str(self.sandbox.rate_limit / processes)
        found = subprocess.run([*TAP, "--config=ENV", "--discover"], env=environment, capture_output=True, check=True)
        catalog = json.loads(found.stdout)["streams"]

        def run(streams: Collection[str]) -> None:
            chosen = {"streams": [each for each in catalog if each["tap_stream_id"] in streams]}
            state: pipe.Json = {"bookmarks": {}}
            ending = pipe.run(TAP, TARGET, environment, catalog=chosen, state=state, confirm=lambda *_: None)
            if ending.code:
                raise ProgramError(ending.reason)

        with self._postgres.connect() as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        run(["content_types"])  # creates the schema and `loads`, which shards at once would fail over
        time.sleep(1.1)  # the window of the rate limit
        self.sandbox.requests.clear()
        shards = pack(self._pages, processes, pages_per_shard=1)
        began, worked = time.perf_counter(), _cpu_seconds()
        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(run, shards))
        seconds, cpu_seconds = time.perf_counter() - began, _cpu_seconds() - worked
        self._check()
        throttled = sum(each.status == HTTPStatus.TOO_MANY_REQUESTS for each in self.sandbox.requests)
        return Load(seconds, cpu_seconds, throttled)

    def _check(self) -> None:
        with self._postgres.connect() as connection:
            for table, pages in self._pages.items():
                (rows,) = connection.execute(f"SELECT count(*) FROM {SCHEMA}.{table}").fetchone() or (0,)  # noqa: S608
                if rows != pages * PAGE_SIZE:
                    msg = f"{table} holds {rows} rows, and not {pages * PAGE_SIZE}"
                    raise ProgramError(msg)


FIELDS = [
    {"uid": "title", "data_type": "text"},
    {"uid": "text", "data_type": "text"},
    {"uid": "number", "data_type": "number"},
]


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def rows(postgres: Postgres) -> t.Iterator[tuple[object, ...]]:
    """Yield the rows of the table, as they are measured."""
    for pages, latency, limit in product((EQUAL, ZIPF), LATENCIES, LIMITS):
        bench = Bench(postgres, pages)
        with bench.sandbox:
            bench.sandbox.latency, bench.sandbox.rate_limit = latency, limit
            for processes, feeds in WAYS:
                load = bench.load(processes, feeds)
                name = f"{len(pages)} × {pages[0]}" if pages == EQUAL else ", ".join(map(str, pages[:6])) + ", 1 …"
                shown = f"{limit:.0f}/s" if limit else "none"
                taken = f"{load.seconds:.0f}", f"{load.cpu_seconds:.0f}", load.throttled
                yield name, latency, shown, f"{processes} × {feeds}", *taken
    bench = Bench(postgres, LONG)
    with bench.sandbox:
        load = bench.load(1, 8)
        yield LONG[0], 0, "none", "1 × 8", f"{load.seconds:.0f}", f"{load.cpu_seconds:.0f}", load.throttled


def line(cells: t.Iterable[object]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |\n"


def main() -> int:
    """Measure, print the table, and put it into the documentation."""
    busy = os.getloadavg()[0]
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, Python {platform.python_version()}"
    text = f"`make scale` on {dt.datetime.now(dt.UTC):%Y-%m-%d}: {machine}; load average at the start {busy:.1f}.\n\n"
    text += line(HEAD) + line(["---"] * 4 + ["---:"] * 3)
    print(text, end="", flush=True)
    try:
        with Postgres() as postgres:
            for row in rows(postgres):
                print(line(row), end="", flush=True)
                text += line(row)
    except ProgramError as error:
        print(error, file=sys.stderr)
        return 1
    before, _, rest = DOCS.read_text().partition(BEGIN)
    DOCS.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
