"""Peak memory of the tap's own process."""

from __future__ import annotations

import typing as t

from benchmarks.measure import Server, run
from benchmarks.server import Stack
from benchmarks.table import Goal, Row

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.programs import Programs

MEBIBYTE = 1 << 20
PAGE = 100


def of_records(programs: Programs, *, rounds: int = 3, pages: int = 1200, few_pages: int = 50) -> Iterator[Row]:
    """Memory is bounded by feeds in flight, not by their length."""
    many, few = [], []
    with Server(Stack(pages=pages)) as long, Server(Stack(pages=few_pages)) as short:
        for _ in range(rounds):
            many.append(run(programs.tap(long.url), profile=True).peak)
            few.append(run(programs.tap(short.url), profile=True).peak)
    yield Row(
        figure=f"peak memory at {pages * PAGE:,} records",
        against=f"at {few_pages * PAGE:,} records: more by",
        values=[(peak - other) / MEBIBYTE for peak, other in zip(many, few, strict=True)],
        unit="MiB",
        goal=Goal(bound=15),
    )
    yield Row(figure=f"peak memory at {pages * PAGE:,} records", values=[peak / MEBIBYTE for peak in many], unit="MiB")
    with Server(Stack(content_types=16, pages=pages // 16)) as server:
        for at_once in (8, 16):
            command = programs.tap(server.url, max_concurrency=at_once)
            yield Row(
                figure=f"peak memory with 16 streams, {at_once} at once",
                values=[run(command, profile=True).peak / MEBIBYTE for _ in range(rounds)],
                unit="MiB",
                goal=Goal(bound=100),
            )


def of_delta(programs: Programs, *, rounds: int = 2, pages: int = 3000, few_pages: int = 30) -> Iterator[Row]:
    """A delta comes in no order that could be relied on, so the tap remembers the newest change of each item."""
    with Server(Stack(changed_pages=few_pages)) as short, Server(Stack(changed_pages=pages)) as long:
        with Server(Stack()) as before:
            state = run(programs.tap(before.url), keep=True).state
        for bookmark in state["bookmarks"].values():
            if bookmark["content_type_uid"]:
                bookmark["replication_key_value"] = f"sync.{bookmark['content_type_uid']}"
        values = []
        for _ in range(rounds):
            many = run(programs.tap(long.url, state=state), profile=True).peak
            few = run(programs.tap(short.url, state=state), profile=True).peak
            values.append((many - few) / ((pages - few_pages) * PAGE))
    yield Row(
        figure=f"peak memory of a delta of {pages * PAGE:,} events (a third of them removals), for each item",
        against=f"at {few_pages * PAGE:,} events",
        values=values,
        unit="bytes",
        goal=Goal(bound=250),
    )
