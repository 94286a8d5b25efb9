"""The summary that a run leaves behind, as JSON: how it ended, and what each stream came to.

Schedulers see little of a run: Meltano turns every exit code of a tap into 0 or 1. What they can read is a file.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import typing as t
from contextlib import suppress
from pathlib import Path

from tap_contentstack.errors import SettingsError
from tap_contentstack.values.texts import one_line, shown

if t.TYPE_CHECKING:
    import logging
    from collections import Counter
    from collections.abc import Iterable, Mapping

    from tap_contentstack.sync.progress import Progress

FORMAT = 1
"""Counts up when a key is renamed, removed, or means something else."""
EXIT_UNFINISHED = 75
"""EX_TEMPFAIL of sysexits.h: run again."""


class Ending(t.NamedTuple):
    """How a run ends.

    Attributes:
        outcome: `complete`, `unfinished` (its time was over: run again), `failed` or `stopped` (by a signal).
        exit_code: The exit code of the process.
        reason: What is wrong and what to do, in one line; None for a complete run.
    """

    outcome: str
    exit_code: int
    reason: str | None = None


class StreamEnding(t.NamedTuple):
    """How a stream ended.

    Attributes:
        outcome: `complete`, `unfinished` or `failed`.
        reason: Why it is not complete.
        served_at: When its bookmark last moved, as that says; None for a list, and before it first
            moves.
    """

    outcome: str
    reason: str | None = None
    served_at: str | None = None


class Summary:
    """The file that a run writes at its end, whatever that is."""

    def __init__(self, path: str | None, version: str, logger: logging.Logger) -> None:
        """Check that the file can be written; what it holds stays until the run ends.

        Args:
            path: Where it goes; None for nowhere.
            version: The tap's version.
            logger: Where it is reported that the file could not be written after all.

        Raises:
            SettingsError: The file cannot be written.
        """
        self._path = Path(path).absolute() if path else None
        self._version = version
        self._logger = logger
        if self._path is None:
            return
        try:
            _check(self._path)
        except (OSError, ValueError) as error:  # ValueError: no file can have such a name
            raise SettingsError(_problem(self._path, error)) from None

    def write(
        self,
        ending: Ending,
        progress: Progress,
        streams: Mapping[str, StreamEnding],
        counts: Counter[str],
        throttled_seconds: float,
    ) -> None:
        """Write the summary, whole or not at all; if it cannot be written, log why: the run ends as it would.

        Args:
            ending: How the run ended.
            progress: What it did.
            streams: How each selected stream ended.
            counts: The client's counts.
            throttled_seconds: How long requests waited because the API was throttling.
        """
        if self._path is None:
            return
        now = progress.started + progress.seconds
        summary = {
            "format": FORMAT,
            "tap_version": self._version,
            **ending._asdict(),
            "started_at": _utc(progress.started),
            "ended_at": _utc(now),
            "seconds": round(progress.seconds, 1),
            "totals": {
                "records": progress.total("records"),
                "tombstones": progress.total("tombstones"),
                **{each: counts[each] for each in ("requests", "retries", "bytes", "cached_answers")},
                "throttled_seconds": round(throttled_seconds, 1),
            },
            "streams": dict(_streams(progress, streams)),
        }
        try:
            _replace(self._path, f"{json.dumps(summary, indent=2)}\n")
        except OSError as error:
            self._logger.error(_problem(self._path, error))  # noqa: TRY400 - a traceback would say no more


def _check(path: Path) -> None:
    if path.exists() and not path.is_file():  # a file takes its place, which would harm a device
        msg = f"summary_path: {shown(path)} is not a file"
        raise SettingsError(msg)
    part = _part_of(path)
    part.touch()
    part.unlink()


def _replace(path: Path, text: str) -> None:
    part = _part_of(path)
    try:
        part.write_text(text)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _problem(path: Path, error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) else one_line(error)
    return f"summary_path: {shown(path)} cannot be written: {reason}"


def _streams(progress: Progress, streams: Mapping[str, StreamEnding]) -> Iterable[tuple[str, dict[str, t.Any]]]:
    for name, ending in streams.items():
        each = progress.of(name)
        yield (
            name,
            {
                **ending._asdict(),
                "records": each.records,
                "tombstones": each.tombstones,
                "pages": each.pages,
                "median_page_seconds": each.median_page_seconds,
                "items_left": each.items_left,
                "reloaded": each.reloaded,
            },
        )


def _utc(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
