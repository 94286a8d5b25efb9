"""The stream `loads`: for each table, the version from which its rows are live, so that any target can be read exactly.

A target that ignores ACTIVATE_VERSION keeps rows of older versions, and one without metadata columns loses the version
of the messages. But all targets upsert. So each row has its version in a column, `_load_version`, and this stream says
which versions count: `_load_version >= (select version from loads where stream = …)`. Not `=`, because a target may be
ahead of the confirmed state, with rows of a newer initial pass whose state was lost.
"""

from __future__ import annotations

import datetime as dt
import typing as t
from functools import cached_property

from singer_sdk.singerlib.encoding.simple import RecordMessage
from typing_extensions import override

from tap_contentstack.schema.stream_schemas import loads_schema
from tap_contentstack.sdk import SelfWritingStream
from tap_contentstack.singer.maps import guarded

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_contentstack.api.stack import Stack
    from tap_contentstack.singer.guarded import GuardedMap
    from tap_contentstack.sync.bookmarks import Bookmark
    from tap_contentstack.values.clock import Clock


class LoadsStream(SelfWritingStream):
    """One row per stream, upserted when that stream is complete. It has no bookmark, and no row is ever removed."""

    primary_keys = ("stream",)

    def __init__(self, tap: Tap, stack: Stack, clock: Clock) -> None:
        """Start without rows.

        Args:
            tap: The SDK's tap, for the SDK's own use.
            stack: The stack that is loaded.
            clock: The time.
        """
        super().__init__(tap, schema=loads_schema(), name="loads")
        self._stack = stack
        self._clock = clock

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Ignore the catalog: the stream is always selected, with all of its columns."""

    @override
    def get_records(self, context: Context | None) -> Iterable[dict[str, t.Any]]:
        return ()

    @override
    def load(self) -> None:
        """Write nothing: other streams write the rows, through `put`."""

    @cached_property
    def guarded_maps(self) -> list[GuardedMap]:
        """The stream's maps."""
        return guarded(self.name, self.stream_maps, self.selected_schema, self.primary_keys)

    def put(self, tables: Iterable[str], bookmark: Bookmark, published: Mapping[str, int] | None = None) -> None:
        """Write the row of a complete stream, before its STATE and with the writer's lock held.

        Args:
            tables: The stream's names in the target: stream maps may give it another name, or several.
            bookmark: The stream's bookmark.
            published: How many items the API counts as published, by locale.
        """
        self._write_schema_message()
        for table in tables:
            row = {
                "stream": table,
                "content_type_uid": bookmark.content_type_uid,
                "environment": self._stack.settings.environment,
                "branch": self._stack.branch or self._stack.settings.branch,
                "version": bookmark.version,
                "full_load_at": bookmark.full_load_at,
                "loaded_at": self._clock.utc(),
                "published": published,
            }
            for each in self.guarded_maps:
                for mapped in each.rows(row, updates=False):
                    now = dt.datetime.now(dt.UTC)
                    message = RecordMessage(stream=each.alias, record=mapped, time_extracted=now)
                    self.message_writer.write_message(message)
