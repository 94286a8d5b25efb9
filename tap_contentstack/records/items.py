"""What an item of the feed becomes: a row, a tombstone, or nothing."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec

from tap_contentstack.events import ASSET_PUBLISHED, ASSETS, DELETED, KNOWN, PUBLISHED
from tap_contentstack.records.changes import Change
from tap_contentstack.values.times import MAX_LENGTH, all_canonical, in_utc, utc_now

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Collection, Iterable, Sequence

    from tap_contentstack.api.page import RawItem
    from tap_contentstack.records.codec import Codec
    from tap_contentstack.records.fast import FastItem
    from tap_contentstack.records.links import Link
    from tap_contentstack.records.output import Messages

NAMED_AT_MOST = 10
"""Items without a usable key that are named one by one in the log; the rest is only counted."""


@dataclass(kw_only=True)
class ItemReader:
    """Turns items into changes of one stream's rows, and counts what it could not turn into one."""

    codec: Codec
    output: Messages
    events: Collection[str]
    """The events that concern the stream."""
    content_type_uid: str | None
    """The content type that the stream is for, if it is for one."""
    covers: Callable[[str], bool]
    """Whether a content type is in the stream's scope."""
    locales: Collection[str]
    """The locales in scope; all if empty."""
    feed_locale: str | None
    """The locale that the API filters by."""
    logger: logging.Logger
    typed: Callable[[str], Codec | None] | None = None
    """A content type's own codec, where the stream's knows too little of it to see which texts are links."""
    unusable: int = 0
    cleaned: int = 0
    unfit: int = 0
    _unknown_events: set[str] = field(default_factory=set)

    def concerns(self, item: RawItem) -> bool:
        """Return whether an item is one of the stream's."""
        if item.type not in self.events:
            self._note_unknown(item)
            return False
        uid = item.content_type_uid
        if self.content_type_uid is not None:
            return uid in {self.content_type_uid, ""}
        return not uid or self.covers(uid)

    @property
    def _default_content_type(self) -> str:
        """The content type of items that name none; empty if the stream is for several."""
        return self.content_type_uid or (ASSETS if ASSET_PUBLISHED in self.events else "")

    def rows(self, items: Sequence[RawItem]) -> list[Change]:
        """Return the rows that an initial pass brings: whatever is published, and nothing of the history."""
        uid = self.content_type_uid
        published = [
            item for item in items if item.type in PUBLISHED and (item.content_type_uid == uid or self.concerns(item))
        ]
        if len(published) < len(items):
            for item in items:
                self._note_unknown(item)
        return [row for row in self._published(published) if row]

    def changes(self, items: Iterable[RawItem]) -> list[Change]:
        """Return what a delta brings, in its order."""
        concerned = [item for item in items if self.concerns(item)]
        rows = iter(self._published([item for item in concerned if item.type in PUBLISHED], updates=True))
        changes = [next(rows) if item.type in PUBLISHED else self._removed(item) for item in concerned]
        return [change for change in changes if change]

    def _published(self, items: list[RawItem], *, updates: bool = False) -> list[Change | None]:
        """Return the row of each item, or None if it is out of scope or has no usable key."""
        splice = self.output.splice
        if splice is None:
            return [self._exactly(item, updates=updates) for item in items]
        rows: list[Change | None] = []
        fitting: list[tuple[Change, FastItem]] = []
        feed_locale, scope, default_type = self.feed_locale, self.locales, self._default_content_type
        for item, fit in zip(items, self._fits(items), strict=True):
            if fit is None or not (locale := fit.publish_locale or feed_locale or fit.locale):
                rows.append(self._exactly(item, updates=updates))
            elif scope and locale not in scope:
                rows.append(None)
            else:
                if self.typed and (links := self._typed_links(item)) is not None:
                    fit.links = links
                content_type_uid = item.content_type_uid or default_type
                row = Change(fit.uid, locale, item.type, item.event_at, content_type_uid, fit.version)
                rows.append(row)
                fitting.append((row, fit))
                self.unfit += bool(fit.unmapped)
        if fitting:
            splice(fitting)
        return rows

    def _fits(self, items: list[RawItem]) -> list[FastItem | None]:
        """Return each item as text, or None where the exact way has to make its record.

        Many at once: their times are checked together, which is quicker.
        """
        fits: list[FastItem | None] = []
        times: list[str] = []
        ends = [0]
        """Where the times of each item end; those of the next one begin there."""
        fast, mended = self.codec.fast, self.codec.mended
        if items and not fast(items[0].data):  # the others are likely to be odd in the same way
            fast = mended
        for item in items:
            fit = fast(item.data, times)
            if fit is None and fast is not mended:
                del times[ends[-1] :]
                fit = mended(item.data, times)
            if fit is None or len(item.event_at) > MAX_LENGTH:
                del times[ends[-1] :]
                fits.append(None)
            else:
                times.append(item.event_at)
                fits.append(fit)
            ends.append(len(times))
        if not all_canonical(times):
            for place, (begin, end) in enumerate(pairwise(ends)):
                if not all_canonical(times[begin:end]):
                    item = items[place]
                    fits[place] = mended(item.data) if all_canonical([item.event_at]) else None
        return fits

    def _typed_links(self, item: RawItem) -> list[Link] | None:
        """Return an entry's links as its content type tells them, or None if that is not known."""
        codec = self.typed(item.content_type_uid) if self.typed else None
        if codec is None:
            return None
        row = codec.fast(item.data) or codec.mended(item.data)
        return row.links if row else codec.exact(item.data).links

    def _exactly(self, item: RawItem, *, updates: bool) -> Change | None:
        exact = self.codec.exact(item.data)
        locale = exact.publish_locale or self.feed_locale or exact.locale
        if not exact.uid or not locale:
            self._note_unusable(item, exact.uid)
            return None
        if self.locales and locale not in self.locales:
            return None
        content_type_uid = item.content_type_uid or self._default_content_type
        typed_links = self._typed_links(item)
        links = exact.links if typed_links is None else typed_links
        self.cleaned += exact.cleaned
        self.unfit += bool(exact.unmapped)
        record = exact.record | {
            "uid": exact.uid,
            "_publish_locale": locale,
            "_content_type_uid": content_type_uid or None,
            "_sync_type": item.type,
            "_sync_event_at": in_utc(item.event_at),
            "_sdc_deleted_at": None,
            "_references": msgspec.to_builtins(links),
            "_unmapped": exact.unmapped or None,
        }
        return Change(
            exact.uid,
            locale,
            item.type,
            item.event_at,
            content_type_uid,
            exact.version,
            self.output.message(record, updates=updates),
        )

    def _removed(self, item: RawItem) -> Change | None:
        """Return the change that an unpublish or a delete makes, with its tombstone if the locale is known.

        An unpublish is about the locale that it names. A delete may stand for one locale or for the whole item. Where
        either names none, or a delete none that the stream can hold, the change has no locale.
        """
        exact = self.codec.exact(item.data)
        if not exact.uid:
            self._note_unusable(item, exact.uid)
            return None
        deleted = item.type in DELETED
        named = exact.publish_locale or exact.locale
        locale = exact.publish_locale or self.feed_locale or exact.locale
        if deleted and self.feed_locale and named != self.feed_locale:
            locale = None
        if locale and self.locales and locale not in self.locales:
            if not deleted:
                return None
            locale = None
        content_type_uid = item.content_type_uid or self._default_content_type
        change = Change(exact.uid, locale, item.type, item.event_at, content_type_uid)
        if locale:
            change.message = self.tombstone(change, locale)
        return change

    def tombstone(self, change: Change, locale: str) -> t.Any:
        """Return the RECORD that marks a row as deleted: the key and the added columns, nothing else."""
        moment = in_utc(change.event_at)
        return self.output.message(
            {
                "uid": change.uid,
                "_publish_locale": locale,
                "_content_type_uid": change.content_type_uid or None,
                "_sync_type": change.event,
                "_sync_event_at": moment,
                "_sdc_deleted_at": moment or utc_now(),
                "_references": [],
                "_unmapped": None,
            }
        )

    def report(self) -> None:
        """Warn of what was changed or left out."""
        if self.unusable:
            self.logger.warning("%d items had no usable key (uid and locale) and were left out", self.unusable)
        if self.cleaned:
            self.logger.warning("%d items had characters that no target can store; these were removed", self.cleaned)
        if self.unfit:
            self.logger.info("%d items had values that do not fit their column; they are in _unmapped", self.unfit)

    def _note_unusable(self, item: RawItem, uid: str | None) -> None:
        self.unusable += 1
        if self.unusable <= NAMED_AT_MOST:
            self.logger.warning(
                "An item has no usable key and is left out: event %s, uid %s, content type %s",
                item.type,
                uid,
                item.content_type_uid or None,
            )

    def _note_unknown(self, item: RawItem) -> None:
        if item.type not in KNOWN and item.type not in self._unknown_events:
            self._unknown_events.add(item.type)
            self.logger.warning("The feed has an event that this tap does not know: '%s'; it is ignored", item.type)
