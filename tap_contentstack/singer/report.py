"""How a run ends: its exit code, its last line, and what the summary says of each stream."""

from __future__ import annotations

import re
import typing as t

from tap_contentstack.sync.summary import EXIT_UNFINISHED, Ending, StreamEnding

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_contentstack.singer.versioned import VersionedStream

NAMED_AT_MOST = 5
"""Streams that the last line names."""
REQUEST = re.compile(r", request [^ ):]+")
"""The id of a request in a sentence of the client."""


def unfinished(streams: Sequence[VersionedStream]) -> list[str]:
    """Return the streams that the run's time was not enough for, and those that wait for one of them."""
    if not any(each.unfinished for each in streams):
        return []
    return [each.name for each in streams if each.unfinished or each.postponed]


def ending_of(streams: Sequence[VersionedStream], failures: Mapping[str, str], *, moved: bool) -> Ending:
    """Return how a run that was not stopped ends.

    Args:
        streams: The selected streams.
        failures: Why streams failed, by name.
        moved: Whether some bookmark moved.
    """
    if failures:
        return Ending("failed", 1, _failed(streams, failures))
    left = unfinished(streams)
    if not left:
        return Ending("complete", 0)
    if not moved:
        reason = "max_run_seconds has elapsed before any page could be loaded: raise it, or find out what is slow"
        return Ending("failed", 1, reason)
    rest = f"{len(left)} of {len(streams)} streams are unfinished ({_named(left)})"
    return Ending(
        "unfinished", EXIT_UNFINISHED, f"Unfinished: max_run_seconds has elapsed, and {rest}; run again to continue"
    )


def stream_endings(
    streams: Sequence[VersionedStream], failures: Mapping[str, str], reason: str | None
) -> dict[str, StreamEnding]:
    """Return how each stream ends.

    Args:
        streams: The selected streams.
        failures: Why streams failed, by name.
        reason: Why streams that neither failed nor completed are unfinished.
    """
    result = {}
    for each in streams:
        outcome, why = "complete", None
        if failure := failures.get(each.name):
            outcome, why = "failed", failure
        elif not each.progress.complete:
            outcome, why = "unfinished", reason
        result[each.name] = StreamEnding(outcome, why, each.bookmark.served_at)
    return result


def _failed(streams: Sequence[VersionedStream], failures: Mapping[str, str]) -> str:
    """Return the sentence about the streams that failed, grouped by reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in failures.items():  # the same but for the request's id is the same reason
        same = next((each for each in by_reason if REQUEST.sub("", each) == REQUEST.sub("", reason)), reason)
        by_reason.setdefault(same, []).append(name)
    reasons = "; ".join(f"({_named(sorted(names))}): {reason}" for reason, names in by_reason.items())
    left = len(set(unfinished(streams)) - failures.keys())
    rest = len(streams) - len(failures) - left
    others = f"; the other {rest} {'are' if rest > 1 else 'is'} complete" if rest else ""
    others += f"; {left} {'are' if left > 1 else 'is'} unfinished, as max_run_seconds has elapsed" if left else ""
    return f"{len(failures)} of {len(streams)} streams failed {reasons}{others}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return f"{', '.join(names[:NAMED_AT_MOST])}{more}"
