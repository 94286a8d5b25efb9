"""The streams that follow the sync endpoint."""

from __future__ import annotations

import typing as t
from functools import cached_property

from typing_extensions import override

from tap_contentstack.records.output import NoMessages, PlainMessages
from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.singer.versioned import VersionedStream
from tap_contentstack.sync.bookmarks import REPLICATION_KEY
from tap_contentstack.sync.interruptions import ContentTypeGoneError, PostponedError
from tap_contentstack.sync.load import Load
from tap_contentstack.sync.passes import Passes
from tap_contentstack.sync.reloads import reload_is_due
from tap_contentstack.sync.removals import Removals
from tap_contentstack.sync.scope import changed_parts, fingerprint
from tap_contentstack.sync.source import Source

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import Tap

    from tap_contentstack.api.content_types import ContentType
    from tap_contentstack.records.items import ItemReader
    from tap_contentstack.records.output import Messages, Output
    from tap_contentstack.singer.parts import RunParts


class FeedStream(VersionedStream):
    """A stream that follows the sync endpoint."""

    primary_keys = schemas.KEY_COLUMNS
    replication_key = REPLICATION_KEY

    def __init__(
        self,
        tap: Tap,
        parts: RunParts,
        name: str,
        schema: dict[str, t.Any],
        *,
        events: tuple[str, ...],
        content_type: ContentType | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        """Start with an empty bookmark.

        Args:
            tap: The SDK's tap, for the SDK's own use.
            parts: What all streams share.
            name: The stream's name.
            schema: The schema that discovery found.
            events: The events to ask the feed for.
            content_type: The content type that it is for, if it is for one.
            columns: The columns of fields whose uid some target would change or refuse, by field.
        """
        super().__init__(tap, parts, name, schema)
        self._source = Source(stack=parts.stack, stream=name, events=events, content_type=content_type, columns=columns)
        self._passes: Passes | None = None
        self.has_all_time = False
        """Whether the stream is among those that begin with the run, so that it has the whole time limit."""

    @override
    def scope(self) -> dict[str, object]:
        return {**super().scope(), **self._source.scope}

    @override
    def plan(self) -> None:
        if not self.planned:
            for path, data_type in schemas.unknown_data_types(self._source.content_type or {}).items():
                self.logger.info(
                    "Field '%s' is of a type that this tap does not know, '%s': kept as JSON", path, data_type
                )
        super().plan()

    def was_loaded_with_the_same(self, part: str) -> bool:
        """Return whether the bookmark was made with this part of the scope, as `changed_parts` names it."""
        scope = self.bookmark.scope
        return scope is not None and part not in changed_parts(scope, fingerprint(self.scope()))

    @property
    @override
    def start_order(self) -> tuple[int, str, float]:
        """After the lists: those that were served longest ago, and then those to reload, the longest overdue first."""
        if self.reload_is_due:
            return 2, "", self.bookmark.full_load_time
        return 1, self.bookmark.served_at or "", 0.0

    @property
    def reload_is_due(self) -> bool:
        """Whether nothing but time makes the stream restart."""
        settings = self.parts.settings
        return reload_is_due(self.name, self.bookmark, settings.reload_after_days, self.parts.clock.time())

    @override
    def _can_resume(self) -> bool:
        full_table = self.replication_method == "FULL_TABLE"
        return bool(self.bookmark.pagination_token or (self.bookmark.sync_token and not full_table))

    @override
    def _begin(self) -> None:
        self.bookmark.content_type_uid = self._source.uid
        super()._begin()

    def begin(self) -> None:
        """Restart within a run: a new version, announced before its first record.

        With the writer's lock held, because the SDK compares with the last state that any stream wrote.
        """
        with self.writer:
            self._begin()
            self._out.begin(self.bookmark.version)
            self.write_state()

    @override
    def fill(self) -> None:
        if self.reload_is_due:
            self.logger.info("The stream restarts, as its last initial pass is older than reload_after_days allows")
            self.begin()
        else:
            self._out.begin(self.bookmark.version)
        stack = self.parts.stack
        load = Load(
            feed=self._source.feed(),
            reader=self._reader(self._out),
            table=self,
            lock=self.writer,
            bookmark=self.bookmark,
            brake=self.parts.brake,
            clock=self.parts.clock,
            progress=self.progress,
            logger=self.logger,
            record_limit=self.ABORT_AT_RECORD_COUNT,
        )
        self._passes = passes = Passes(
            load,
            Removals(
                feed=load.feed,
                reader=load.reader,
                lister=lambda: self._reader(NoMessages()),
                is_gone=stack.is_gone,
                check_access=stack.check_access,
            ),
            is_gone=stack.is_gone,
            known_locales=self._known_locales,
            has_all_time=self.has_all_time,
            counts=self._source.counts(load.feed, self.logger),
        )
        self.postponed = False
        try:
            passes.run()
        except ContentTypeGoneError:
            self._empty()
        except PostponedError:
            self.postponed = True

    @override
    def leave(self) -> None:
        if self._passes:
            self._passes.leave()

    def size(self) -> int | None:
        """Return how many items an initial pass would bring, if the API counts them."""
        return self._source.feed().size()

    def _known_locales(self) -> set[str]:
        return set(self.parts.settings.locales) or self.parts.state.known_locales()

    def _empty(self) -> None:
        self.logger.warning("The content type was deleted; its table is emptied")
        self.begin()
        self.wait_for_version()
        with self.writer:
            self.sweep()
            self.bookmark.served_at = None
            self.write_loads_row()
            self.parts.state.remove(self.name)

    def _reader(self, output: Messages) -> ItemReader:
        return self._source.reader(output, self.effective_schema, self.selected_columns, self.cuts, self.logger)

    @override
    def rows(self) -> Iterable[dict[str, t.Any]]:
        reader = self._reader(PlainMessages())
        for page in self._source.feed().initial_pass():
            yield from (row.message for row in reader.rows(page.items))

    # What passes do to the table

    @cached_property
    def _out(self) -> Output:
        return self.output

    @property
    def holds_back(self) -> bool:
        """Whether there are records that the tap has not written yet (batch files)."""
        return self._out.holds_back

    def write(self, messages: Iterable[t.Any]) -> None:
        """Write records."""
        self._out.write(messages)

    def finish(self) -> None:
        """Write the records that are held back."""
        self._out.finish()

    def sweep(self) -> None:
        """Remove the rows of older versions."""
        self.write_activate_version(self._out.version)
