"""What is published now, and the events that published it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.event import SYS_ASSETS

if TYPE_CHECKING:
    from sandbox.event import Event


class Shelves:
    """A shelf for each content type and one for the assets, of events by uid and locale, in the order of the log."""

    def __init__(self) -> None:
        """Start with the assets' shelf, which is empty."""
        self._of: dict[str, dict[tuple[str, str], Event]] = {SYS_ASSETS: {}}

    def add(self, content_type_uid: str) -> None:
        """Add an empty shelf for a content type."""
        self._of[content_type_uid] = {}

    def remove(self, content_type_uid: str) -> None:
        """Remove a content type's shelf."""
        del self._of[content_type_uid]

    def put(self, event: Event) -> None:
        """Publish what an event published, in place of what is published of the same item and locale."""
        # Taken out first, so that the shelf's order is the log's.
        self.take(event.content_type_uid, event.uid, event.locales[0])
        self.rewrite(event)

    def rewrite(self, event: Event) -> None:
        """Put an event in the place of the one that it is a new writing of."""
        self._of[event.content_type_uid][event.uid, event.locales[0]] = event

    def take(self, content_type_uid: str, uid: str, locale: str) -> Event | None:
        """End a publication; return the event that had published it, if there was one."""
        return self._of[content_type_uid].pop((uid, locale), None)

    def take_locale(self, locale: str) -> None:
        """End all publications to a locale."""
        for shelf in self._of.values():
            for key in [key for key in shelf if key[1] == locale]:
                del shelf[key]

    def find(self, content_type_uid: str, uid: str, locale: str) -> Event | None:
        """Return the event that published an item in a locale, if it is published there."""
        return self._of.get(content_type_uid, {}).get((uid, locale))

    def events(self, content_type_uid: str | None = None) -> list[Event]:
        """Return the events of one shelf, or of all of them, oldest first."""
        if content_type_uid is not None:
            return list(self._of.get(content_type_uid, {}).values())
        events = [event for shelf in self._of.values() for event in shelf.values()]
        return sorted(events, key=lambda event: event.position)
