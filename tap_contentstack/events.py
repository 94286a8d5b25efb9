"""Lists the events of the sync endpoint: what each is about, and its effect on a row.

Source: Contentstack docs, Content Delivery API, "Synchronization".
"""

from __future__ import annotations

import enum
import typing as t


class About(enum.Enum):
    """What an event is about."""

    ENTRY = enum.auto()
    ASSET = enum.auto()
    CONTENT_TYPE = enum.auto()


class Effect(enum.Enum):
    """What an event does: only a publish makes a row."""

    PUBLISHES = enum.auto()
    UNPUBLISHES = enum.auto()
    DELETES = enum.auto()


class Event(t.NamedTuple):
    """One kind of event."""

    name: str
    about: About
    effect: Effect


EVENTS = (
    Event("entry_published", About.ENTRY, Effect.PUBLISHES),
    Event("entry_unpublished", About.ENTRY, Effect.UNPUBLISHES),
    Event("entry_deleted", About.ENTRY, Effect.DELETES),
    Event("content_type_deleted", About.CONTENT_TYPE, Effect.DELETES),
    Event("asset_published", About.ASSET, Effect.PUBLISHES),
    Event("asset_unpublished", About.ASSET, Effect.UNPUBLISHES),
    Event("asset_deleted", About.ASSET, Effect.DELETES),
)


def _names(*about: About, effects: t.Collection[Effect] = tuple(Effect)) -> tuple[str, ...]:
    return tuple(event.name for event in EVENTS if event.about in about and event.effect in effects)


ENTRY_EVENTS = _names(About.ENTRY, About.CONTENT_TYPE)
"""The events that an entry stream requests."""
ASSET_EVENTS = _names(About.ASSET)
"""The events that the asset stream requests."""
(ENTRY_PUBLISHED,) = _names(About.ENTRY, effects=[Effect.PUBLISHES])
(ASSET_PUBLISHED,) = _names(About.ASSET, effects=[Effect.PUBLISHES])
KNOWN = frozenset(event.name for event in EVENTS)
PUBLISHED = frozenset({ENTRY_PUBLISHED, ASSET_PUBLISHED})
DELETED = frozenset(_names(About.ENTRY, About.ASSET, effects=[Effect.DELETES]))
(TYPE_DELETED,) = _names(About.CONTENT_TYPE)

ASSETS = "sys_assets"
"""The content type of assets in the feed and in links; no real content type can have this uid."""


def unpublish_of(name: str) -> str:
    """Return the unpublish event that matches a publish event; any other event is returned unchanged."""
    about = next((event.about for event in EVENTS if event.name == name and event.effect is Effect.PUBLISHES), None)
    return _names(about, effects=[Effect.UNPUBLISHES])[0] if about else name
