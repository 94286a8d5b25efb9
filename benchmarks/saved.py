"""Figures in a file: for plots, and those of the last release, which later ones are compared with."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from benchmarks.table import rounded

if t.TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.table import Row


@dataclass
class Figures:
    """The figures of one run of the benchmarks.

    Attributes:
        machine: When and where they were taken.
        rows: What was measured, against what, its median and unit, and its goal, if it has one.
    """

    machine: str = ""
    rows: list[dict[str, t.Any]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Figures:
        """Return the figures that a file holds; none if there is no file."""
        return cls(**json.loads(path.read_text())) if path.exists() else cls()

    def write(self, path: Path) -> None:
        """Write the figures to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(vars(self), indent=2, ensure_ascii=False) + "\n")

    def add(self, row: Row) -> None:
        """Take a row, if it was measured."""
        if row.values:
            self.rows.append(
                {
                    "figure": row.figure,
                    "against": row.against,
                    "median": row.median,
                    "unit": row.unit,
                    "goal": row.goal.bound if row.goal else None,
                }
            )

    def text(self, row: Row) -> str:
        """Return what the median of the same figure was, if there is one."""
        same = [each for each in self.rows if (each["figure"], each["against"]) == (row.figure, row.against)]
        return f"{rounded(same[0]['median'])} {same[0]['unit']}" if same else ""
