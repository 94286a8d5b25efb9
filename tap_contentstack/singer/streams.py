"""The tap's streams: what each one is, and where its rows come from."""

from __future__ import annotations

import typing as t

from singer_sdk.singerlib import SelectionMask
from typing_extensions import override

from tap_contentstack.api.content_types import find_content_type
from tap_contentstack.api.feed import Feed
from tap_contentstack.records.codec import Codec
from tap_contentstack.records.items import ItemReader
from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.singer.output import PlainOutput
from tap_contentstack.singer.swept import SweptStream
from tap_contentstack.sync.bookmarks import REPLICATION_KEY, changed_parts, fingerprint
from tap_contentstack.sync.passes import ContentTypeGoneError, Passes

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_contentstack.api.content_types import ContentType
    from tap_contentstack.singer.output import Output
    from tap_contentstack.tap import TapContentstack

COMBINED_STREAM = "entries"


class FeedStream(SweptStream):
    """A stream that follows the sync endpoint."""

    primary_keys = schemas.KEY_COLUMNS
    replication_key = REPLICATION_KEY

    def __init__(
        self,
        tap: TapContentstack,
        name: str,
        schema: dict[str, t.Any],
        *,
        events: tuple[str, ...],
        content_type: ContentType | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        """Take what the stream follows.

        Args:
            tap: The tap.
            name: The stream's name.
            schema: Its discovered schema.
            events: The events to ask the feed for.
            content_type: The content type that it is for, if it is for one.
            columns: The columns of fields whose name no target could hold, by field.
        """
        super().__init__(tap, name, schema)
        self._events = events
        self._content_type = content_type
        self._columns = columns
        self._uid: str | None = content_type["uid"] if content_type else None
        self._out: Output = PlainOutput()

    @override
    def scope(self) -> dict[str, object]:
        settings = self.tap.settings
        content_type: object = None
        if self._content_type:
            content_type = (self._uid, self._content_type.get("created_at"))
        elif self.name == COMBINED_STREAM:
            content_type = settings.content_types
        return {
            **super().scope(),
            "locales": settings.locales,
            "event_types": sorted(self._events),
            "start_date": settings.start_date,
            "content_type": content_type,
        }

    @override
    def plan(self) -> None:
        if not self.planned:
            for path, data_type in schemas.unknown_data_types(self._content_type or {}).items():
                self.logger.info(
                    "Field '%s' is of a type that this tap does not know, '%s': kept as JSON", path, data_type
                )
        super().plan()

    @override
    def _can_go_on(self) -> bool:
        full_table = self.replication_method == "FULL_TABLE"
        return bool(self.bookmark.pagination_token or (self.bookmark.sync_token and not full_table))

    @override
    def _begin(self) -> None:
        self.bookmark.content_type_uid = self._uid
        super()._begin()

    def begin(self) -> None:
        """Start over within a run: a new version, announced before its first record.

        With the pen in hand, as the SDK writes a state only if it differs from the last one that any stream wrote.
        """
        with self.pen:
            self._begin()
            self._out.begin(self.bookmark.version)
            self.write_state()

    @override
    def fill(self) -> None:
        self._out = self.output
        self._out.begin(self.bookmark.version)
        passes = Passes(
            feed=self._feed(),
            reader=self._reader(self._out),
            table=self,
            pen=self.pen,
            bookmark=self.bookmark,
            exists=lambda uid: find_content_type(self.tap.client, uid) is not None,
            known_locales=self.tap.known_locales,
            progress=self.tap.progress,
            logger=self.logger,
            record_limit=self.ABORT_AT_RECORD_COUNT,
        )
        try:
            passes.run()
        except ContentTypeGoneError:
            self.logger.warning("The content type was deleted; its table is emptied")
            self.begin()
            self.wait_for_version()
            with self.pen:
                self.write_activate_version(self._out.version)
                del self.tap.state["bookmarks"][self.name]

    def _feed(self) -> Feed:
        settings = self.tap.settings
        filters = {"type": ",".join(self._events)}
        if self._uid is not None:
            filters["content_type_uid"] = self._uid
        if settings.feed_locale:
            filters["locale"] = settings.feed_locale
        if settings.start_date:
            filters["start_from"] = settings.start_date
        return Feed(self.tap.client, stream=self.name, filters=filters)

    def _reader(self, output: Output) -> ItemReader:
        settings = self.tap.settings
        selected = frozenset(self.selected_columns) if output.takes_lines else None
        return ItemReader(
            codec=Codec(
                self.effective_schema,
                columns=self._columns,
                selected=selected,
                combined=self.name == COMBINED_STREAM,
            ),
            output=output,
            events=self._events,
            content_type_uid=self._uid,
            covers=self.tap.covers if self.name == COMBINED_STREAM else lambda _: True,
            locales=settings.locales,
            feed_locale=settings.feed_locale,
            logger=self.logger,
            typed=self.tap.codec_of if self.name == COMBINED_STREAM else None,
        )

    @override
    def rows(self) -> Iterable[dict[str, t.Any]]:
        reader = self._reader(PlainOutput())
        for page in self._feed().initial_pass():
            yield from (row.message for row in reader.rows(page.items))

    # What passes do to the table

    def write(self, messages: Iterable[t.Any]) -> None:
        """Write records."""
        self._out.write(messages)

    def checkpoint(self, advance: Callable[[], None]) -> None:
        """Move the bookmark, if every record written so far has left the tap."""
        if not self._out.holds_back:
            advance()
            self.save()

    def complete(self, advance: Callable[[], None], *, sweep: bool) -> None:
        """Let all records go, sweep older versions if asked, then move the bookmark."""
        self._out.finish()
        if sweep:
            self.write_activate_version(self._out.version)
        advance()
        self.save()


class ListStream(SweptStream):
    """A small table that every run writes anew."""

    primary_keys = ("uid",)

    def __init__(
        self,
        tap: TapContentstack,
        name: str,
        schema: dict[str, t.Any],
        source: Callable[[], list[dict[str, t.Any]]],
    ) -> None:
        """Take where the rows come from."""
        super().__init__(tap, name, schema)
        self._source = source

    @override
    def fill(self) -> None:
        output = self.output
        output.begin(self.bookmark.version)
        messages = [output.message(row) for row in self.rows()]
        self.wait_for_version()
        with self.pen:
            output.write(messages[: self.ABORT_AT_RECORD_COUNT])
            if self.ABORT_AT_RECORD_COUNT is not None:
                return
            output.finish()
            self.write_activate_version(output.version)
            self.save()
        self.tap.progress.add(records=len(messages))

    @override
    def rows(self) -> Iterable[dict[str, t.Any]]:
        codec = Codec(self.effective_schema, selected=frozenset(self.selected_columns))
        for row in self._source():
            exact = codec.exact(row)
            yield {**exact.record, "_unmapped": exact.unmapped or None}


class GoneStream(SweptStream):
    """The table of a content type that is gone: it is emptied, and its bookmark removed."""

    primary_keys = schemas.KEY_COLUMNS

    def __init__(self, tap: TapContentstack, name: str, types: Mapping[str, object]) -> None:
        """Take the stream's name, and the columns that its table has."""
        super().__init__(tap, name, schemas.schema_from_types(types))

    @property
    @override
    def mask(self) -> SelectionMask:
        """All of it, always: left as it is, the table would keep rows of a type that nobody can select any more."""
        return SelectionMask()

    @override
    def plan(self) -> None:
        """Take a new version: the sweep's."""
        if self.planned:
            return
        self.planned = True
        changes = changed_parts(self.bookmark.scope or "", fingerprint(self.scope()))
        if self.bookmark.scope and changes:
            self._on_scope_change(changes)
        self.bookmark.version = self._next_version()
        self._put_bookmark()

    @override
    def fill(self) -> None:
        self.logger.warning("The content type is gone from the stack; its table is emptied")
        self.wait_for_version()
        with self.pen:
            self.write_activate_version(self.bookmark.version or 0)
            self.tap.state["bookmarks"].pop(self.name, None)

    @override
    def rows(self) -> Iterable[dict[str, t.Any]]:
        return ()
