"""`plots.py FIGURES FOLDER` draws the plots of docs/performance.md, as SVG files, from what `make bench` has saved."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

Row: t.TypeAlias = dict[str, t.Any]

OURS, OTHERS, GOAL = "#3b6fb6", "#b5b5b5", "#c0392b"
FEW = 100
"""Values above this need no fractions."""


class Plot(t.NamedTuple):
    """One file.

    Attributes:
        name: Its name, without the suffix.
        mark: What the figures have in their name, before the part that names a bar.
        unit: What the values are in.
        apart: How the names of bars begin or end that are drawn in another colour.
    """

    name: str
    mark: str
    unit: str
    apart: str


PLOTS = (
    Plot("concurrency", "a request: ", "records per second, 16 content types, 100 ms per request", "a plain SDK tap"),
    Plot("odd-entries", "for an entry: ", "processor time of an entry ÷ of a clean one (red: the goal)", ", a tenth"),
)


def draw(plot: Plot, rows: list[Row], folder: Path) -> None:
    """Draw a bar for each row, from the top down, with its number and its goal."""
    names = [row["figure"].partition(plot.mark)[2].replace("`", "") for row in rows]
    colours = [OTHERS if plot.apart in name else OURS for name in names]
    figure, axes = plt.subplots(figsize=(8, 0.3 * len(rows) + 0.8), layout="constrained")
    drawn = axes.barh(names, [row["median"] for row in rows], color=colours)
    axes.bar_label(drawn, fmt=lambda value: f"{value:,.0f}" if value > FEW else f"{value:.2f}", padding=4)
    for place, row in enumerate(rows):
        if row["goal"] is not None:
            axes.plot([row["goal"]] * 2, [place - 0.4, place + 0.4], color=GOAL)
    axes.invert_yaxis()
    axes.set_xlabel(plot.unit)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    figure.savefig(folder / f"{plot.name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    saved, images = map(Path, sys.argv[1:])
    mpl.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none", "font.size": 10})
    figures = json.loads(saved.read_text())["rows"]
    for each in PLOTS:
        if found := [row for row in figures if each.mark in row["figure"]]:
            draw(each, found, images)
