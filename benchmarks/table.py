"""The table that the benchmarks print."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
import typing as t
from dataclasses import dataclass
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Sequence


COLUMNS = ("figure", "against", "median [min, max]", "goal", "met", "last release")


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A bound, and which side of it is good."""

    bound: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Return whether a value is on the good side."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure: a value for each round, or why there is none.

    Attributes:
        figure: What was measured.
        against: What it is compared with.
        values: One for each round.
        unit: What the values are in; ratios by default.
        goal: What the median should reach, if anything.
        missing: Why there is no value.
    """

    figure: str
    against: str = ""
    values: Sequence[float] = ()
    unit: str = "times"
    goal: Goal | None = None
    missing: str = ""

    @property
    def median(self) -> float:
        """The value that counts."""
        return statistics.median(self.values)

    def cells(self) -> tuple[str, ...]:
        """Return the row's cells, but for the last one."""
        if not self.values:
            return (self.figure, self.against, f"not measured: {self.missing}", self._goal(), "")
        spread = f"{rounded(self.median)} {self.unit} [{rounded(min(self.values))}, {rounded(max(self.values))}]"
        met = "" if self.goal is None else "yes" if self.goal.met_by(self.median) else "**no**"
        return (self.figure, self.against, spread, self._goal(), met)

    def _goal(self) -> str:
        if self.goal is None:
            return ""
        return f"{'≥' if self.goal.at_least else '≤'} {self.goal.bound:g} {self.unit}"


def rounded(value: float) -> str:
    """Return a value with three digits or so."""
    if abs(value) >= 1000:  # noqa: PLR2004 - thousands need no fractions
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004


def machine() -> str:
    """Return when and where the figures are taken."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return f"{today}; {_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def head(machine: str, before: str) -> str:
    """Return the lines above the rows: when and where, and the columns' names."""
    last = f"last release: {before}\n" if before else ""
    return f"{machine}\n{last}\n{line(COLUMNS)}\n{line(['---'] * len(COLUMNS))}"


def line(cells: Sequence[str]) -> str:
    """Return one line of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for entry in information.read_text().splitlines():
            if entry.startswith("model name"):
                return entry.partition(":")[2].strip()
    return platform.processor() or platform.machine()
