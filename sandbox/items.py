"""Turns events into the items of a feed: which of them it leaves out, and what locale each names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.event import CONTENT_TYPE_DELETED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.behaviour import Behaviour
    from sandbox.event import Event


def items_of(event: Event, behaviour: Behaviour) -> Iterable[tuple[Event, str]]:
    """Yield the items that tell of an event, each with the locale that it names."""
    if event.implied and not behaviour.content_type_deleted_brings_entries:
        return
    if event.type.endswith("_deleted") and event.type != CONTENT_TYPE_DELETED:
        if behaviour.deletes == "nameless":
            yield event, ""
            return
        if behaviour.deletes == "per_locale":
            for locale in event.locales:
                yield event, locale
            return
    yield event, event.locales[0] if event.locales else ""


def compact(events: list[Event], behaviour: Behaviour) -> list[Event]:
    """Leave out the events that later ones make superfluous."""
    if behaviour.compaction == "none":
        return events
    last: dict[tuple[str, str, str], int] = {}
    for event in events:
        for locale in event.locales:
            key = locale if behaviour.compaction == "per_key" else ""
            last[event.content_type_uid, event.uid, key] = event.edit
    if behaviour.compaction == "per_key":
        return [
            e
            for e in events
            if not e.uid or any(last[e.content_type_uid, e.uid, locale] == e.edit for locale in e.locales)
        ]
    return [e for e in events if not e.uid or last[e.content_type_uid, e.uid, ""] == e.edit]
