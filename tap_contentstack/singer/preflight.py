"""Checks, before a run starts, for mistakes that would empty tables, and readies the brake (`sync/brake.py`)."""

from __future__ import annotations

import typing as t

from tap_contentstack.events import ASSET_EVENTS, ENTRY_EVENTS
from tap_contentstack.schema.names import COMBINED_STREAM
from tap_contentstack.singer.streams import FeedStream
from tap_contentstack.values.texts import shown

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    from tap_contentstack.singer.parts import RunParts
    from tap_contentstack.singer.versioned import VersionedStream


def check_before_run(streams: Sequence[VersionedStream], parts: RunParts, logger: logging.Logger) -> None:
    """Check the settings against the stack, and pull the brake on sweeps where the state knows rows.

    Lists have neither locales nor a start date, so a run of lists alone needs no check.

    Args:
        streams: The selected streams, their bookmarks as the state has them.
        parts: What they share.
        logger: Where it is reported what the settings leave out.

    Raises:
        SettingsError: A pattern of `content_types` matches nothing.
        SeemsEmptyError: `start_date` lies in the future, or nothing is published to a locale that is set, and
            `allow_empty` does not confirm that this is meant.
    """
    settings, stack, state = parts.settings, parts.stack, parts.state
    if not (settings.combined and COMBINED_STREAM in state.names):
        stack.check_patterns(state.content_type_uids())
    feeds = [stream for stream in streams if isinstance(stream, FeedStream)]
    if not feeds:
        return
    start_date = settings.start_date
    if start_date and start_date > parts.clock.utc() and not _is_familiar("start_date", feeds):
        stack.require_allow_empty(f"setting 'start_date' ({start_date}) lies in the future")
    if not _is_familiar("locales", feeds):
        _check_locales(parts)
    if any(stream.bookmark.knows_rows for stream in feeds):
        parts.brake.pull()
    if missing := {*ENTRY_EVENTS, *ASSET_EVENTS} - {*settings.entry_events, *settings.asset_events}:
        text = "event_types leaves out %s: rows that these events would remove stay in the target"
        logger.warning(text, ", ".join(sorted(missing)))


def _is_familiar(part: str, feeds: Sequence[FeedStream]) -> bool:
    """Return whether an earlier run was made with the same setting, so that it changes nothing now."""
    return any(stream.was_loaded_with_the_same(part) for stream in feeds)


def _check_locales(parts: RunParts) -> None:
    """Ask whether anything is published to each of the locales that are set."""
    for locale in parts.settings.locales:
        if not parts.stack.publishes_to(locale):
            parts.stack.require_allow_empty(
                f"setting 'locales': nothing at all is published to '{shown(locale)}': check its spelling "
                "(such as en-us)"
            )
