"""`python -m benchmarks [NAME…]` prints a table of all figures, or of those named, beside those of the last release."""

from __future__ import annotations

import argparse
import sys
import tempfile
import typing as t
from pathlib import Path

from benchmarks import latency, memory, pipe, rates
from benchmarks.measure import ProgramError
from benchmarks.programs import Programs
from benchmarks.saved import Figures
from benchmarks.table import Row, head, line, machine

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FIGURES: dict[str, Callable[[Programs], Iterator[Row]]] = {
    "rates": rates.against_peers,
    "feeds": latency.sixteen_feeds,
    "concurrency": latency.by_concurrency,
    "feed": latency.one_long_feed,
    "delta": latency.empty_delta,
    "memory": memory.of_records,
    "delta-memory": memory.of_delta,
    "pipe": pipe.into_postgres,
    "odd": rates.with_odd_entries,
    "extras": rates.with_extras,
}


LAST_RELEASE = Path(__file__).with_name("last_release.json")


def main(arguments: Sequence[str]) -> int:
    """Print the table; return 0 if every figure could be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(FIGURES)}")
    parser.add_argument("--save", type=Path, help="a file that the figures are written to as well, as JSON")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in FIGURES]:
        parser.error(f"no such figure: {', '.join(unknown)}; there are: {', '.join(FIGURES)}")
    before = Figures.read(LAST_RELEASE)
    figures = Figures(machine=machine())
    failed = False
    print(head(figures.machine, before.machine), flush=True)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        programs = Programs(Path(folder))
        for name in options.names or FIGURES:
            try:
                for row in FIGURES[name](programs):
                    figures.add(row)
                    print(line([*row.cells(), before.text(row)]), flush=True)
            except ProgramError as error:
                failed = True
                print(line([*Row(figure=name, missing=str(error)).cells(), ""]), flush=True)
    if options.save:
        figures.write(options.save)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
