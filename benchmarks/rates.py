"""Records per second without latency, beside the peers, and what odd entries and the SDK's features cost."""

from __future__ import annotations

import typing as t
from contextlib import ExitStack

from benchmarks.content import ODDITIES, PAGE_SIZE
from benchmarks.measure import Server, run
from benchmarks.programs import FIRST_TYPE, missing_package
from benchmarks.server import Stack
from benchmarks.table import Goal, Row

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.programs import Programs

ROUNDS = 9
"""The speed of shared cores changes within seconds: a ratio is of neighbours, and one of many."""
LONG = 600
SHORT = 100
PEERS = {"plain_tap": SHORT, "bare_loop": LONG, "official_sdk": SHORT * 2}
"""Pages that each peer reads: about two seconds' worth."""
SLOWER = 4
"""A fourth of the pages is enough for what takes several times as long."""
CLEAN = "clean"
ODD_GOALS = {
    "a date without time": 1.5,
    "a date with an offset": 3.0,
    "an unknown key at the top and one nested": 2.5,
    "a file as a whole object": 3.0,
    "a number as text": 3.0,
    "text in a JSON rich text field": 3.0,
    "three locales mixed on a page": 1.0,
}
STREAM = f"entries_{FIRST_TYPE}"


def against_peers(programs: Programs, *, rounds: int = ROUNDS, scale: float = 1.0) -> Iterator[Row]:
    """One feed in the steady state, side by side with each peer."""
    peers = [name for name in PEERS if missing_package(name) is None]
    paces: dict[str, list[float]] = {name: [] for name in peers}
    beside: dict[str, list[float]] = {name: [] for name in peers}
    """The tap's own paces, each taken right after that of a peer."""
    with ExitStack() as stack:
        servers = {
            pages: stack.enter_context(Server(Stack(pages=max(int(pages * scale), 10))))
            for pages in (LONG, SHORT, SHORT * 2)
        }
        for _ in range(rounds):
            for name in peers:
                url = servers[PEERS[name]].url
                command = programs.plain_tap(url) if name == "plain_tap" else programs.peer(name, url)
                paces[name].append(run(command).pace)
                beside[name].append(run(programs.tap(servers[LONG].url)).pace)
    figure = "records a second, one stream"
    yield Row(figure=figure, values=[1 / pace for pace in beside["plain_tap"]], unit="records/s")
    goals = {"plain_tap": 15.0, "bare_loop": 1.2}
    names = {
        "plain_tap": "a plain SDK tap",
        "bare_loop": "`requests` and `orjson` alone",
        "official_sdk": "the `contentstack` SDK's sync loop",
    }
    for name, against in names.items():
        goal = Goal(bound=goals[name], at_least=True) if name in goals else None
        if name not in peers:
            missing = f"the package {missing_package(name)} is not installed"
            yield Row(figure=figure, against=against, goal=goal, missing=missing)
            continue
        yield Row(figure=figure, against=against, goal=goal, values=_ratios(paces[name], beside[name]))


def with_odd_entries(programs: Programs, *, rounds: int = 5, pages: int = 800) -> Iterator[Row]:
    """What entries cost that are odd in one of the ways of real stacks, beside clean ones: all of them, and a tenth."""
    stacks = {CLEAN: Stack(pages=pages)}
    for oddity in ODDITIES:
        stacks[oddity] = Stack(pages=pages, oddity=oddity)
        stacks[f"{oddity}, a tenth"] = Stack(pages=pages, oddity=oddity, odd_share=0.1)
    stacks["three locales mixed on a page"] = Stack(pages=pages, locales=("en-us", "fr-fr", "de-de"))
    with ExitStack() as stack:
        empty = stack.enter_context(Server(Stack()))
        servers = {name: stack.enter_context(Server(each)) for name, each in stacks.items()}
        commands = {name: (programs.tap(server.url), pages) for name, server in servers.items()}
        cpu_seconds = _cpu_seconds(programs.tap(empty.url), commands, rounds)
    best = {name: min(values) for name, values in cpu_seconds.items()}  # what else runs on the machine only adds
    clean = best.pop(CLEAN)
    yield Row(figure="processor time for a clean entry, best", values=[clean / PAGE_SIZE * 1e6], unit="µs")
    for name, seconds in best.items():
        goal = ODD_GOALS.get(name)
        yield Row(
            figure=f"processor time for an entry: {name}",
            against="a clean one, best of each",
            values=[seconds / clean],
            goal=Goal(bound=goal) if goal else None,
        )


def with_extras(programs: Programs, *, rounds: int = 3, pages: int = 400) -> Iterator[Row]:
    """What stream maps, flattening, batch files and selection cost."""
    batches = programs.folder / "batches"
    batches.mkdir(exist_ok=True)
    batch_config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": batches.as_uri()},
        "batch_size": 1000,
    }
    fewer_pages = pages // SLOWER
    with Server(Stack(pages=pages)) as many, Server(Stack(pages=fewer_pages)) as few, Server(Stack()) as empty:
        fewer = programs.catalog(many.url, without={("body",), ("sections",), ("author",)})
        nested = programs.catalog(few.url, without={("seo", "image")})
        plain = {
            "plain": (programs.tap(many.url), pages),
            "three columns deselected": (programs.tap(many.url, catalog=fewer), pages),
        }
        slower = {
            "a nested property deselected": programs.tap(few.url, catalog=nested),
            "a stream map": programs.tap(few.url, stream_maps={STREAM: {"loaded_by": "'bench'"}}),
            "flattening, two levels": programs.tap(few.url, flattening_enabled=True, flattening_max_depth=2),
            "batch files (gzip, 1,000 records each)": programs.tap(few.url, batch_config=batch_config),
        }
        commands = plain | {name: (command, fewer_pages) for name, command in slower.items()}
        cpu_seconds = _cpu_seconds(programs.tap(empty.url), commands, rounds)
    without = cpu_seconds.pop("plain")
    for name, values in cpu_seconds.items():
        yield Row(figure=f"effort for a record with {name}", against="without", values=_ratios(values, without))


def _cpu_seconds(
    start: Sequence[str], commands: Mapping[str, tuple[Sequence[str], int]], rounds: int
) -> dict[str, list[float]]:
    """Return the processor time for a page, in rounds.

    Args:
        start: A command that reads next to nothing: its time is that of the others' start.
        commands: By name, each with the pages that it reads.
        rounds: How often all take their turn.
    """
    cpu_seconds: dict[str, list[float]] = {name: [] for name in commands}
    starts: list[float] = []
    for _ in range(rounds):
        starts.append(run(start, profile=True).cpu_seconds)
        for name, (command, _) in commands.items():
            cpu_seconds[name].append(run(command, profile=True).cpu_seconds)
    idle = min(starts)  # what else runs on the machine only adds
    return {name: [(seconds - idle) / commands[name][1] for seconds in each] for name, each in cpu_seconds.items()}


def _ratios(values: Sequence[float], to: Sequence[float]) -> list[float]:
    return [value / other for value, other in zip(values, to, strict=True)]
