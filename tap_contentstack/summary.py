"""Prints a run's summary as Markdown, for the page of a CI job: `python -m tap_contentstack.summary FILE`."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

USAGE = "usage: python -m tap_contentstack.summary FILE"
COLUMNS = ("stream", "outcome", "records", "tombstones", "pages", "seconds a page", "items left")


def markdown(summary: dict[str, t.Any]) -> str:
    """Return a table of the streams, under a line about the whole run; those that are not complete come first.

    Args:
        summary: What a run wrote to `summary_path`.
    """
    totals, streams = summary["totals"], summary["streams"]
    ending = f"**{summary['outcome']}** (exit code {summary['exit_code']}) after {summary['seconds']:,} s"
    counts = (f"{totals[name]:,} {name}" for name in ("records", "tombstones", "requests"))
    lines = [f"{ending}: {', '.join(counts)}"]
    if summary["reason"]:
        lines += ["", _cell(summary["reason"])]
    if streams:
        lines += ["", _row(COLUMNS), _row(["---"] * 2 + ["---:"] * (len(COLUMNS) - 2))]
    for name, stream in sorted(streams.items(), key=lambda item: item[1]["outcome"] == "complete"):
        numbers = [stream[key] for key in ("records", "tombstones", "pages", "median_page_seconds", "items_left")]
        lines.append(_row([name, stream["outcome"], *("" if number is None else f"{number:,}" for number in numbers)]))
    return "\n".join(lines)


def _row(cells: t.Iterable[str]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    """Print the file that the command line names."""
    if len(sys.argv) != 2:  # noqa: PLR2004
        sys.exit(USAGE)
    try:
        print(markdown(json.loads(Path(sys.argv[1]).read_text())))  # noqa: T201
    except OSError as error:
        sys.exit(f"{sys.argv[1]} cannot be read: {error.strerror}")
    except (ValueError, KeyError, TypeError, AttributeError):
        sys.exit(f"{sys.argv[1]} is not the summary of a run")


if __name__ == "__main__":
    main()
