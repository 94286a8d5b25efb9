"""Histories for as long as you like: `python -m tests.model.soak --minutes 60`.

Each history is made of its seed alone. One that fails is made short and printed; the last line has the figures.
"""

from __future__ import annotations

import argparse
import itertools
import time

from tests.model.figures import Figures
from tests.model.history import make_history
from tests.model.play import play
from tests.model.shrink import failure_of, shrink

MINUTE = 60


def soak(first: int, *, minutes: float | None, histories: int | None, length: int, shrinking: bool) -> Figures:
    """Play histories until the time is over, or the number is reached."""
    figures = Figures()
    end = time.monotonic() + minutes * MINUTE if minutes else float("inf")
    spoken = time.monotonic()
    for seed in itertools.count(first):
        if time.monotonic() > end or (histories is not None and figures.histories >= histories):
            return figures
        history = make_history(seed, length)
        try:
            figures.add(play(history))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is printed, and the next one played
            figures.histories += 1
            figures.divergences += 1
            failure = f"{type(error).__name__}: {error}"
            found = failure_of(history) or failure
            short, failure = shrink(history, found) if shrinking else (history, found)
            print(f"DIVERGENCE at seed {seed}: {failure[:3000]}\n{short}\n", flush=True)
        if time.monotonic() - spoken > MINUTE:
            spoken = time.monotonic()
            print(f"seed {seed}: {figures}", flush=True)
    raise AssertionError


def main() -> int:
    """Read the command line, and soak."""
    parser = argparse.ArgumentParser(prog="python -m tests.model.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, help="how long; 10 if neither this nor --histories is given")
    parser.add_argument("--histories", type=int, help="how many")
    parser.add_argument("--seed", type=int, default=None, help="the first seed; the time of now if not given")
    parser.add_argument("--length", type=int, default=14, help="most steps of a history")
    parser.add_argument("--no-shrink", action="store_true", help="print failing histories as they are")
    options = parser.parse_args()
    minutes = 10 if options.minutes is None and options.histories is None else options.minutes
    first = int(time.time()) * 1000 if options.seed is None else options.seed
    print(f"first seed: {first}", flush=True)
    figures = soak(
        first,
        minutes=minutes,
        histories=options.histories,
        length=options.length,
        shrinking=not options.no_shrink,
    )
    print(figures)
    return figures.divergences > 0


if __name__ == "__main__":
    raise SystemExit(main())
