"""The log of a stack: every event in the order of its time."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from sandbox.event import Event

if TYPE_CHECKING:
    from sandbox.clock import Clock


class Log(list[Event]):
    """All events, oldest first; each knows its position, from 1, and the edit that made it."""

    def __init__(self, clock: Clock) -> None:
        """Start empty; each event moves the clock on."""
        super().__init__()
        self._clock = clock
        self._edits = 0

    @property
    def position(self) -> int:
        """The position of the last event."""
        return len(self)

    def begin_edit(self) -> None:
        """Let the events from now on be of another edit."""
        self._edits += 1

    def write(
        self,
        kind: str,
        content_type_uid: str,
        uid: str = "",
        locales: tuple[str, ...] = (),
        title: str = "",
        *,
        implied: bool = False,
    ) -> Event:
        """Write an event, and return it."""
        event = Event(
            type=kind,
            position=len(self) + 1,
            at=self._clock.tick(),
            edit=self._edits,
            content_type_uid=content_type_uid,
            uid=uid,
            locales=locales,
            title=title,
            implied=implied,
        )
        self.append(event)
        return event

    def rewrite(self, event: Event) -> None:
        """Put an event in the place of the one at its position."""
        self[event.position - 1] = event

    @property
    def purged_at(self) -> int:
        """The position of the last event that purged the CDN: all do but the deletion of an asset."""
        return next((event.position for event in reversed(self) if event.type != "asset_deleted"), 0)

    def unpurged_assets(self, locale: str) -> int:
        """Count the deleted assets that an earlier response still counts: an asset delete purges no cache."""
        deletes = takewhile(lambda event: event.type == "asset_deleted", reversed(self))
        return sum(locale in event.taken for event in deletes)
