"""Streams without a feed: lists that every run rewrites, and tables whose content type is gone."""

from __future__ import annotations

import typing as t

from singer_sdk.singerlib import SelectionMask
from typing_extensions import override

from tap_contentstack.records.codec import Codec
from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.singer.versioned import VersionedStream
from tap_contentstack.sync.bookmarks import changed_parts, fingerprint

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from singer_sdk import Tap

    from tap_contentstack.singer.versioned import RunParts


class ListStream(VersionedStream):
    """A small table that every run rewrites."""

    primary_keys = ("uid",)

    def __init__(
        self,
        tap: Tap,
        parts: RunParts,
        name: str,
        schema: dict[str, t.Any],
        source: Callable[[], list[dict[str, t.Any]]],
    ) -> None:
        """Begin with an empty bookmark.

        Args:
            tap: The SDK's tap, for the SDK's own use.
            parts: What all streams share.
            name: The stream's name.
            schema: Its schema.
            source: Returns the list.
        """
        super().__init__(tap, parts, name, schema)
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
        self.parts.progress.add(records=len(messages))

    @override
    def rows(self) -> Iterable[dict[str, t.Any]]:
        codec = Codec(self.effective_schema, selected=frozenset(self.selected_columns))
        for row in self._source():
            exact = codec.exact(row)
            yield {**exact.record, "_unmapped": exact.unmapped or None}


class GoneStream(VersionedStream):
    """The table of a content type that is gone: it is emptied, and its bookmark removed."""

    primary_keys = schemas.KEY_COLUMNS

    def __init__(self, tap: Tap, parts: RunParts, name: str, types: Mapping[str, object]) -> None:
        """Begin with an empty bookmark.

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
            self.parts.state.remove(self.name)

    @override
    def rows(self) -> Iterable[dict[str, t.Any]]:
        return ()
