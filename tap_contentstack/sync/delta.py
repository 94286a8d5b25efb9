"""Tracks one reading of a delta: events come in no particular order, and the newest of each key wins."""

from __future__ import annotations

import sys
import typing as t
from dataclasses import dataclass, field

from msgspec.structs import replace

from tap_contentstack.events import unpublish_of
from tap_contentstack.records.changes import PUBLISHED_BIT, TIME_SHIFT, UNTIMED, VERSION_BITS

if t.TYPE_CHECKING:
    from tap_contentstack.api.page import Page
    from tap_contentstack.records.changes import Change


@dataclass
class Delta:
    """Keeps the rank of each key's newest change, and the changes that leave it unclear which rows still exist."""

    items: int = 0
    pages: int = 0
    total: int | None = None
    """The API's `total_count` of the first page."""
    shifted: bool = False
    """Whether the count changed between pages: an edit has shifted them."""
    sync_token: str | None = None
    locales: set[str] = field(default_factory=set)
    _newest: dict[str, int] = field(default_factory=dict)
    _doubts: dict[tuple[str, str | None], Change] = field(default_factory=dict)
    """By uid and locale: a removal that may stand for other locales, or (with a locale) a tie with a publish."""

    def note(self, page: Page) -> None:
        """Count a page."""
        self.pages += 1
        self.items += len(page.items)
        if self.total is None:
            self.total = page.total_count
        elif page.total_count is not None:
            self.shifted = self.shifted or page.total_count != self.total
        self.sync_token = page.sync_token

    @property
    def is_whole(self) -> bool:
        """Whether the number of items is the API's count, which was the same on every page."""
        return self.total is None or (self.items == self.total and not self.shifted)

    def note_change(self, change: Change) -> bool:
        """Note a change; return whether it is the newest of its key so far, and has to be written."""
        if change.deleted or change.locale is None:
            self._doubt(change, None)
        if change.locale is None:
            return False
        if change.published:
            self.locales.add(change.locale)
        key, rank = f"{change.uid}\0{change.locale}", change.rank
        newest = self._newest.get(key)
        if newest is None:
            self._newest[key] = rank
            return True
        if _is_tie(newest, rank) and (newest ^ rank) >> VERSION_BITS:  # also of two removals: a row may be between them
            self._doubt(change, change.locale)
        if _is_newer(newest, rank):
            return False
        self._newest[key] = rank
        return True

    @property
    def has_removals_without_locale(self) -> bool:
        """Whether some removal named no locale."""
        return any(change.locale is None for change in self._doubts.values())

    def _doubt(self, change: Change, locale: str | None) -> None:
        before = self._doubts.get((change.uid, locale))
        if before is None or _reach(before.rank) < _reach(change.rank):
            event = unpublish_of(change.event)  # what it turns out to be, if the row is gone
            # What many share is kept once: a delta can be made of deletes.
            self._doubts[change.uid, locale] = replace(
                change,
                event=sys.intern(event),
                content_type_uid=sys.intern(change.content_type_uid),
                locale=change.locale and sys.intern(change.locale),
                message=None,
            )

    def questions(self, locales: set[str]) -> dict[tuple[str, str], dict[str, Change]]:
        """Return the items to check with the API, by content type and locale, with the changes that raised doubt."""
        result: dict[tuple[str, str], dict[str, Change]] = {}
        for (uid, tied_locale), change in self._doubts.items():
            for locale in [tied_locale] if tied_locale else sorted(locales - {change.locale}):
                if tied_locale or self._may_be_gone(uid, locale, change.rank):
                    result.setdefault((change.content_type_uid, locale), {})[uid] = change
        return result

    def _may_be_gone(self, uid: str, locale: str, deleted: int) -> bool:
        """Return whether a delete that does not name this locale may have removed the row."""
        newest = self._newest.get(f"{uid}\0{locale}")
        if newest is None:
            return True
        published = bool(newest & PUBLISHED_BIT)
        return published and (newest >> TIME_SHIFT <= deleted >> TIME_SHIFT or _is_tie(newest, deleted))


def _is_tie(rank: int, other: int) -> bool:
    """Return whether times do not tell which of two changes is the newer one: they are equal, or one is unknown (0)."""
    moment, other_moment = rank >> TIME_SHIFT, other >> TIME_SHIFT
    return moment == other_moment or not (moment and other_moment)


def _reach(rank: int) -> tuple[bool, int]:
    """Return a sort key: the more changes one may be newer than, the higher. Without a time that may be any."""
    return not rank >> TIME_SHIFT, rank


def _is_newer(rank: int, other: int) -> bool:
    """Return whether a change is to be taken for the newer one of two."""
    if _is_tie(rank, other) and (rank ^ other) & UNTIMED:
        return rank & UNTIMED > other & UNTIMED
    return rank > other
