"""Wall time from start to end where every request takes its time, against what round trips alone would take."""

from __future__ import annotations

import math
import typing as t

from benchmarks.measure import Server, run
from benchmarks.server import Stack
from benchmarks.table import Goal, Row

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.programs import Programs

AT_ONCE = 8
"""The tap's default for `max_concurrency`."""
DELTA = 1
"""Requests after an initial pass: a delta, to see that nothing was edited meanwhile."""


def sixteen_feeds(programs: Programs, *, rounds: int = 2, pages: int = 75, latency: float = 0.1) -> Iterator[Row]:
    """Equal content types, more of them than run at once."""
    stack = Stack(content_types=16, pages=pages, latency=latency)
    ideal = math.ceil(stack.content_types / AT_ONCE) * (pages + DELTA) * latency
    with Server(stack) as server:
        values = [run(programs.tap(server.url)).seconds / ideal for _ in range(rounds)]
    yield Row(
        figure=f"wall time, 16 content types of {pages} pages, {latency * 1000:g} ms a request, start-up included",
        against=f"round trips of 8 streams at once ({ideal:.1f} s)",
        values=values,
        goal=Goal(bound=1.15),
    )


def by_concurrency(programs: Programs, *, rounds: int = 2, pages: int = 4, latency: float = 0.1) -> Iterator[Row]:
    """What it brings to load several streams at once, beside a tap that loads them one after another."""
    stack = Stack(content_types=16, pages=pages, latency=latency)
    values: dict[str, list[float]] = {}
    with Server(stack) as server:
        commands = {"a plain SDK tap": programs.plain_tap(server.url)}
        for number in (1, 2, 4, 8, 16):
            commands[f"`max_concurrency` {number}"] = programs.tap(server.url, max_concurrency=number)
        for _ in range(rounds):
            for name, command in commands.items():
                values.setdefault(name, []).append(1 / run(command).pace)
    for name, paces in values.items():
        figure = f"records a second, {stack.content_types} content types, {latency * 1000:g} ms a request: {name}"
        yield Row(figure=figure, values=paces, unit="records/s")


def one_long_feed(
    programs: Programs, *, rounds: int = 2, pages: int = 400, bare_pages: int = 100, latency: float = 0.1
) -> Iterator[Row]:
    """One content type: its tokens make it serial, so its round trips are the least that it can take."""
    ideal = (pages + DELTA) * latency
    outcomes, bare = [], []
    with (
        Server(Stack(pages=pages, latency=latency)) as server,
        Server(Stack(pages=bare_pages, latency=latency)) as shorter,
    ):
        for _ in range(rounds):
            outcomes.append(run(programs.tap(server.url)))
            bare.append(run(programs.peer("round_trips", shorter.url)).seconds / (bare_pages + DELTA))
    yield Row(
        figure=f"wall time, one content type of {pages} pages, {latency * 1000:g} ms a request, start-up included",
        against=f"round trips alone ({ideal:.1f} s)",
        values=[outcome.seconds / ideal for outcome in outcomes],
        goal=Goal(bound=1.05),
    )
    yield Row(
        figure="the same",
        against="the same pages fetched and thrown away",
        values=[outcome.seconds / (pages + DELTA) / other for outcome, other in zip(outcomes, bare, strict=True)],
    )
    yield Row(
        figure="the same in the steady state",
        against="round trips alone",
        values=[outcome.pace * 100 / latency for outcome in outcomes],
    )


def empty_delta(
    programs: Programs, *, rounds: int = 5, content_types: int = 50, latency: float = 0.05
) -> Iterator[Row]:
    """A run that finds nothing new, as most runs of a schedule do."""
    with Server(Stack(content_types=content_types)) as server:
        state = run(programs.tap(server.url), keep=True).state
    ideal = math.ceil(content_types / AT_ONCE) * latency
    values, seconds = [], []
    with Server(Stack(content_types=content_types, latency=latency)) as server:
        for _ in range(rounds):
            start_up = run([*programs.plain_tap(server.url), "--discover"]).seconds
            seconds.append(run(programs.tap(server.url, state=state)).seconds)
            values.append(seconds[-1] / (ideal + start_up))
    figure = f"start to end on an empty delta of {content_types} content types, {latency * 1000:g} ms a request"
    against = f"round trips of 8 at once ({ideal:.2f} s) and a plain SDK tap's start-up"
    yield Row(figure=figure, against=against, values=values, goal=Goal(bound=1.3))
    yield Row(figure="the same", values=seconds, unit="s")
