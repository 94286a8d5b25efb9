"""What an item of the feed becomes: a row, a tombstone, or nothing."""

from __future__ import annotations

import datetime as dt
import json
import typing as t
from dataclasses import dataclass, field

from tap_contentstack.codec import encode
from tap_contentstack.times import MAX_LENGTH, all_canonical, in_utc

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Collection

    from tap_contentstack.codec import Codec
    from tap_contentstack.output import Output
    from tap_contentstack.page import Page, RawItem

PUBLISHED = frozenset({"entry_published", "asset_published"})
UNPUBLISHED = frozenset({"entry_unpublished", "asset_unpublished"})
DELETED = frozenset({"entry_deleted", "asset_deleted"})
TYPE_DELETED = "content_type_deleted"
ASSET_MARKER = "sys_assets"

# A change's rank is one integer, so that a delta's memory of an item is small.
VERSION_BITS = 20
PUBLISHED_BIT = 1 << VERSION_BITS
TIME_SHIFT = VERSION_BITS + 1
MAX_VERSION = PUBLISHED_BIT - 1

NAMED_AT_MOST = 10
"""Items without a usable key that are named one by one in the log; the rest is only counted."""


@dataclass(slots=True)
class Change:
    """What one event does to one row.

    Attributes:
        uid: The item.
        locale: The locale of the row; None for a delete that does not say, or not of which of the stream's rows.
        event: The event's type.
        event_at: The event's time, as it came.
        content_type_uid: The content type of an entry, `sys_assets` for an asset.
        version: The item's version, where it has one.
        message: The RECORD, as the output takes it; None where there is no row to write.
    """

    uid: str
    locale: str | None
    event: str
    event_at: str
    content_type_uid: str
    version: object = None
    message: t.Any = None

    @property
    def published(self) -> bool:
        """Whether there is a row; else there is a tombstone."""
        return self.event in PUBLISHED

    @property
    def deleted(self) -> bool:
        """Whether the event may stand for the whole item, in all its locales."""
        return self.event in DELETED

    @property
    def rank(self) -> int:
        """What orders the changes of one key: the time, then (on a tie) a row before a tombstone, then the version."""
        moment = _moment(self.event_at)
        milliseconds = int(moment.timestamp() * 1000) if moment and moment.year > 1 else 0
        version = self.version if isinstance(self.version, int) and 0 <= self.version <= MAX_VERSION else 0
        return max(milliseconds, 0) << TIME_SHIFT | self.published * PUBLISHED_BIT | version


@dataclass(kw_only=True)
class ItemReader:
    """Turns items into changes of one stream's rows, and counts what it could not turn into one."""

    codec: Codec
    output: Output
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
    _times_fit: bool = False
    unusable: int = 0
    cleaned: int = 0
    unfit: int = 0
    _unknown_events: set[str] = field(default_factory=set)

    def begin(self, page: Page) -> Page:
        """Prepare for a page's items, and return it: their times are looked at together, which is quicker."""
        times = [item.event_at for item in page.items]
        self._times_fit = max(map(len, times), default=0) <= MAX_LENGTH and all_canonical(times)
        return page

    def concerns(self, item: RawItem) -> bool:
        """Return whether an item is one of the stream's."""
        if item.type not in self.events:
            self._note_unknown(item)
            return False
        uid = item.content_type_uid
        if self.content_type_uid is not None:
            return uid in {self.content_type_uid, ""}
        return self.covers(uid)

    def rows(self, page: Page) -> tuple[list[t.Any], set[str]]:
        """Return the messages of all rows of an initial pass's page, and the locales that they are published to.

        The same as `published` for each item, without the changes that only a delta needs: first loads are made here.
        """
        messages: list[t.Any] = []
        locales: set[str] = set()
        times: list[str] = []
        made_of: list[tuple[RawItem | None, int]] = []
        """For each message: its item, if the times are not checked yet, and where they end in `times`."""
        lines = self.output.takes_lines
        fast, spliced, feed_locale, scope = self.codec.fast, self.output.spliced, self.feed_locale, self.locales
        uid = self.content_type_uid
        for item in self.begin(page).items:
            if item.type not in PUBLISHED or (item.content_type_uid != uid and not self.concerns(item)):
                continue
            row = fast(item.data, times) if lines else None
            if row and (locale := row.publish_locale or feed_locale or row.locale):
                if not scope or locale in scope:
                    event_at = item.event_at if self._times_fit else in_utc(item.event_at)
                    if self.typed:
                        row.references = self._typed_references(item) or row.references
                    messages.append(spliced(row, locale, item.type, self._content_type(item), event_at))
                    made_of.append((item, len(times)))
                    locales.add(locale)
            elif change := self._exactly(item):
                messages.append(change.message)
                made_of.append((None, len(times)))
                locales.add(t.cast("str", change.locale))
        if not all_canonical(times):
            begin = 0
            for place, (unchecked, end) in enumerate(made_of):
                if unchecked and not all_canonical(times[begin:end]) and (change := self._exactly(unchecked)):
                    messages[place] = change.message
                begin = end
        return messages, locales

    def published(self, item: RawItem) -> Change | None:
        """Return the row that a published item is, or None if it is out of scope or has no usable key."""
        row = self.codec.fast(item.data) if self.output.takes_lines else None
        if not row or not (locale := row.publish_locale or self.feed_locale or row.locale):
            return self._exactly(item)
        if self.locales and locale not in self.locales:
            return None
        event_at = item.event_at if self._times_fit else in_utc(item.event_at)
        if self.typed:
            row.references = self._typed_references(item) or row.references
        message = self.output.spliced(row, locale, item.type, self._content_type(item), event_at)
        return Change(row.uid, locale, item.type, item.event_at, item.content_type_uid, row.version, message)

    def _typed_references(self, item: RawItem) -> bytes | None:
        """Return an entry's links as its content type tells them, or None if that is not known."""
        codec = self.typed(item.content_type_uid) if self.typed else None
        if codec is None:
            return None
        row = codec.fast(item.data)
        return row.references if row else encode(codec.exact(item.data).references)

    def _content_type(self, item: RawItem) -> str:
        return item.content_type_uid or self.content_type_uid or ASSET_MARKER

    def _exactly(self, item: RawItem) -> Change | None:
        exact = self.codec.exact(item.data)
        locale = exact.publish_locale or self.feed_locale or exact.locale
        if not exact.uid or not locale:
            self._note_unusable(item, exact.uid)
            return None
        if self.locales and locale not in self.locales:
            return None
        typed_references = self._typed_references(item)
        self.cleaned += exact.cleaned
        self.unfit += bool(exact.unmapped)
        record = exact.record | {
            "uid": exact.uid,
            "_publish_locale": locale,
            "_content_type_uid": self._content_type(item),
            "_sync_type": item.type,
            "_sync_event_at": in_utc(item.event_at),
            "_sdc_deleted_at": None,
            "_references": exact.references if typed_references is None else json.loads(typed_references),
            "_unmapped": exact.unmapped or None,
        }
        return Change(
            exact.uid,
            locale,
            item.type,
            item.event_at,
            item.content_type_uid,
            exact.record.get("_version"),
            self.output.message(record),
        )

    def removed(self, item: RawItem) -> Change | None:
        """Return the tombstone that an unpublished or deleted item is.

        An unpublish names the locale that it is about. A delete may stand for one locale or for the whole item:
        where it names none, or none that the stream can hold, the change has no locale.
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
            locale = None
        if locale is None and not deleted:
            if named is None:
                self._note_unusable(item, exact.uid)
            return None
        change = Change(exact.uid, locale, item.type, item.event_at, item.content_type_uid)
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
                "_content_type_uid": change.content_type_uid or self.content_type_uid or ASSET_MARKER,
                "_sync_type": change.event,
                "_sync_event_at": moment,
                "_sdc_deleted_at": moment or _now(),
                "_references": [],
                "_unmapped": None,
            }
        )

    def report(self) -> None:
        """Warn of what could not be taken as it came."""
        if self.unusable:
            self.logger.warning("%d items had no usable key (uid and locale) and were left out", self.unusable)
        if self.cleaned:
            self.logger.warning("%d items had characters that no target can store; these were taken out", self.cleaned)
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
        known = PUBLISHED | UNPUBLISHED | DELETED | {TYPE_DELETED}
        if item.type not in known and item.type not in self._unknown_events:
            self._unknown_events.add(item.type)
            self.logger.warning("The feed has an event that this tap does not know: '%s'; it is left out", item.type)


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
