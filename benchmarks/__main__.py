"""`python -m benchmarks [NAME…]` prints one Markdown table of all figures, or of those named."""

from __future__ import annotations

import sys
import tempfile
import typing as t
from pathlib import Path

from benchmarks import latency, memory, pipe, rates
from benchmarks.measure import ProgramError
from benchmarks.programs import Programs
from benchmarks.table import Row, head, line

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


def main(names: Sequence[str]) -> int:
    """Print the table; return 0 if every figure could be measured."""
    if unknown := [name for name in names if name not in FIGURES]:
        print(f"no such figure: {', '.join(unknown)}; there are: {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    failed = False
    print(head(), flush=True)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        programs = Programs(Path(folder))
        for name in names or FIGURES:
            try:
                for row in FIGURES[name](programs):
                    print(line(row.cells()), flush=True)
            except ProgramError as error:
                failed = True
                print(line(Row(figure=name, missing=str(error)).cells()), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
