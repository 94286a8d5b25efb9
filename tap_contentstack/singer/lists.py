"""Streams without a feed: lists that every run rewrites, and tables whose content type is gone."""

from __future__ import annotations

import logging
import typing as t

from singer_sdk.singerlib import SelectionMask
from typing_extensions import override

from tap_contentstack.errors import NotFoundError, RefusedError
from tap_contentstack.records.codec import Codec
from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.singer.versioned import VersionedStream

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from singer_sdk import Tap

    from tap_contentstack.singer.parts import RunParts


class ListStream(VersionedStream):
    """A small table that every run rewrites."""

    def __init__(
        self,
        tap: Tap,
        parts: RunParts,
        name: str,
        schema: dict[str, t.Any],
        source: Callable[[], list[dict[str, t.Any]]],
    ) -> None:
        """Start with an empty bookmark.

        Args:
            tap: The SDK's tap, for the SDK's own use.
            parts: What all streams share.
            name: The stream's name.
            schema: Its schema.
            source: Returns the list.
        """
        super().__init__(tap, parts, name, schema)
        self.primary_keys = tuple(schema["required"])
        self._source = source
        self._had_rows = False

    @override
    def adopt(self, state: Mapping[str, t.Any] | None) -> None:
        super().adopt(state)
        self._had_rows = self.bookmark.items_seen > 0

    @override
    def _begin(self) -> None:
        """Keep the number of rows until the list is read: should this run not get there, the next one has to know."""
        rows = self.bookmark.items_seen
        super()._begin()
        self.bookmark.items_seen = rows
        self._put_bookmark()

    @override
    def fill(self) -> None:
        output = self.output
        output.begin(self.bookmark.version)
        try:
            messages = [output.message(row) for row in self.rows()]
        except (RefusedError, NotFoundError) as error:
            level = logging.WARNING if self._had_rows else logging.INFO
            self.logger.log(level, "The API does not provide this list, so the table is left unchanged: %s", error)
            return
        if self._had_rows and not messages:
            self.parts.stack.check_types_are_listed()  # a token without access gets empty lists, too
        self.wait_for_version()
        with self.writer:
            output.write(messages[: self.ABORT_AT_RECORD_COUNT])
            if self.ABORT_AT_RECORD_COUNT is not None:
                return
            output.finish()
            self.write_activate_version(output.version)
            self.bookmark.items_seen, self.bookmark.full_load_at = len(messages), self.parts.clock.utc()
            self.complete()
        self.progress.records += len(messages)

    @override
    def rows(self) -> Iterable[dict[str, t.Any]]:
        codec = Codec(self.effective_schema, selected=frozenset(self.selected_columns), cuts=self.cuts)
        for row in self._source():
            exact = codec.exact(row)
            yield {**exact.record, "_unmapped": exact.unmapped or None}


class GoneStream(VersionedStream):
    """The table of a content type that is gone: it is emptied, and its bookmark removed."""

    primary_keys = schemas.KEY_COLUMNS

    def __init__(self, tap: Tap, parts: RunParts, name: str, types: Mapping[str, object]) -> None:
        """Start with an empty bookmark.

        Args:
            tap: The SDK's tap, for the SDK's own use.
            parts: What all streams share.
            name: The stream's name.
            types: The types of the table's columns, as its bookmark remembers them.
        """
        super().__init__(tap, parts, name, schemas.schema_from_types(types))

    @property
    @override
    def mask(self) -> SelectionMask:
        """Everything, always: otherwise the table would keep the rows of a type that can no longer be selected."""
        return SelectionMask()

    @override
    def plan(self) -> None:
        """Take a new version, whose activation empties the table."""
        if self.planned:
            return
        self.planned = True
        if change := self.scope_change():
            self.logger.warning("The stream restarts, as %s", change)
        self.bookmark.version = self.parts.state.next_version(self.bookmark.version)
        self._put_bookmark()

    @override
    def fill(self) -> None:
        self.logger.warning("The content type no longer exists in the stack; its table is emptied")
        self.wait_for_version()
        with self.writer:
            self.write_activate_version(self.bookmark.version or 0)
            self.bookmark.full_load_at = self.bookmark.served_at = None
            self.write_loads_row()
            self.parts.state.remove(self.name)

    @override
    def rows(self) -> Iterable[dict[str, t.Any]]:
        return ()
