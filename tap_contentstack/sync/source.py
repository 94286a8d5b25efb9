"""Defines what one stream asks the feed for, how its items are read, and for which scope its tokens are valid."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from functools import partial

from tap_contentstack.api.feed import Feed
from tap_contentstack.events import ASSET_EVENTS, ASSETS, ENTRY_EVENTS
from tap_contentstack.records.codec import Codec
from tap_contentstack.records.items import ItemReader
from tap_contentstack.records.layout import DATA_COLUMN
from tap_contentstack.schema.names import COMBINED_STREAM
from tap_contentstack.schema.stream_schemas import entry_columns, entry_schema
from tap_contentstack.sync.counts import CountsOfAllTypes, CountsOfType
from tap_contentstack.sync.scope import Unsure
from tap_contentstack.values.times import utc_text

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Collection, Mapping

    from tap_contentstack.api.content_types import ContentType
    from tap_contentstack.api.stack import Stack
    from tap_contentstack.config.settings import Settings
    from tap_contentstack.records.output import Messages
    from tap_contentstack.sync.counts import Counts

ALL_EVENTS = (set(ENTRY_EVENTS), set(ASSET_EVENTS))


@dataclass(frozen=True, kw_only=True)
class Source:
    """The items of one stream."""

    stack: Stack
    stream: str
    """The stream's name."""
    events: tuple[str, ...]
    """The events to ask the feed for."""
    content_type: ContentType | None = None
    """The content type of the entries, if they are of one only."""
    columns: Mapping[str, str] | None = None
    """The columns of fields whose uid some target would change or refuse, by field."""
    _codecs: dict[str, Codec | None] = field(default_factory=dict)
    """By content type: what reads the entries of a combined stream."""

    @property
    def uid(self) -> str | None:
        """The content type's uid."""
        return self.content_type["uid"] if self.content_type else None

    @property
    def scope(self) -> dict[str, object]:
        """What the feed's tokens are issued for, beside the stack."""
        settings = self._settings
        content_type: object = None
        if self.content_type:
            created_at = _creation_of(self.content_type)
            content_type = (self.uid, created_at) if created_at else Unsure(self.uid)
        elif self._is_combined:
            content_type = settings.content_types
        return {
            "locales": settings.locales,
            "event_types": sorted(self.events),
            "start_date": settings.start_date,
            "content_type": content_type,
        }

    def feed(self) -> Feed:
        """Return the feed of the items."""
        settings = self._settings
        filters = {"type": ",".join(self.events)}
        if self.uid is not None:
            filters["content_type_uid"] = self.uid
        if settings.feed_locale:
            filters["locale"] = settings.feed_locale
        if settings.start_date:
            filters["start_from"] = settings.start_date
        return Feed(self.stack.client, purpose=self.stream, filters=filters)

    def reader(
        self,
        output: Messages,
        schema: dict[str, t.Any],
        selected: Collection[str],
        cuts: Collection[tuple[str, ...]],
        logger: logging.Logger,
    ) -> ItemReader:
        """Return what makes messages of the items.

        Args:
            output: Makes the messages.
            schema: The schema in use.
            selected: The columns that go to the target.
            cuts: The keys that lead to what is deselected within them, from the column on.
            logger: The stream's logger.
        """
        settings = self._settings
        return ItemReader(
            codec=Codec(
                schema,
                columns=self.columns,
                selected=frozenset(selected),
                cuts=cuts,
                combined=self._is_combined,
            ),
            output=output,
            events=self.events,
            content_type_uid=self.uid,
            covers=self.stack.covers if self._is_combined else lambda _: True,
            locales=settings.locales,
            feed_locale=settings.feed_locale,
            logger=logger,
            typed=partial(self._codec_of, selected, cuts) if self._is_combined else None,
        )

    def counts(self, feed: Feed, logger: logging.Logger) -> Counts | None:
        """Return what counts the published items, if that is wanted and the stream has all of them."""
        settings = self._settings
        if not settings.count_published or settings.start_date or set(self.events) not in ALL_EVENTS:
            return None
        if self._is_combined:
            return CountsOfAllTypes(feed=feed, content_type_uids=self._known, covers=self.stack.covers, logger=logger)
        return CountsOfType(feed=feed, content_type_uid=self.uid or ASSETS, logger=logger)

    @property
    def _settings(self) -> Settings:
        return self.stack.settings

    @property
    def _is_combined(self) -> bool:
        return self.stream == COMBINED_STREAM

    def _codec_of(
        self, selected: Collection[str], cuts: Collection[tuple[str, ...]], content_type_uid: str
    ) -> Codec | None:
        """Return what reads the entries of a content type, if there is such a type."""
        if content_type_uid not in self._codecs:
            found = self.stack.listed(content_type_uid)
            self._codecs[content_type_uid] = _codec_within_data(found, selected, cuts) if found else None
        return self._codecs[content_type_uid]

    def _known(self) -> list[str]:
        """Return the content types that are listed now, or that entries came of."""
        return sorted({each["uid"] for each in self.stack.lists.content_types()}.union(self._codecs))


def _creation_of(content_type: ContentType) -> str | None:
    """Return when a content type was created, however that is written; None if it is not told."""
    try:
        return utc_text(str(content_type.get("created_at")))
    except (ValueError, OverflowError):
        return None


def _codec_within_data(
    content_type: ContentType, selected: Collection[str], cuts: Collection[tuple[str, ...]]
) -> Codec:
    """Return what reads the entries of a content type whose fields are in the column `data`."""
    columns = entry_columns(content_type)
    fields = [inner for column, *inner in cuts if column == DATA_COLUMN]
    return Codec(
        entry_schema(content_type),
        columns=columns,
        selected=None if DATA_COLUMN in selected else (),
        cuts=[(columns.get(field, field), *inner) for field, *inner in fields],
    )
