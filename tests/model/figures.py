"""Figures: what histories came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass
class Figures:
    """What histories came to."""

    histories: int = 0
    runs: int = 0
    kills: int = 0
    stops: int = 0
    boxes: int = 0
    faults: int = 0
    edits: int = 0
    records: int = 0
    reloads: int = 0
    divergences: int = 0

    def add(self, other: Figures) -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        return ", ".join(f"{value:,} {name}" for name, value in asdict(self).items())
