"""A stream whose rows carry a version: its schema, its bookmark, and when it restarts."""

from __future__ import annotations

import abc
import typing as t
from functools import cached_property

from typing_extensions import override

from tap_contentstack.errors import TimeIsUpError
from tap_contentstack.schema import stream_schemas as schemas
from tap_contentstack.schema.shapes import kind_of
from tap_contentstack.schema.table_schema import column_types, table_schema
from tap_contentstack.sdk import SelfWritingStream
from tap_contentstack.singer.logger import logger_of
from tap_contentstack.singer.maps import guarded
from tap_contentstack.singer.outputs import cuts_of, output_of
from tap_contentstack.sync.bookmarks import Bookmark, read_bookmark
from tap_contentstack.sync.scope import Unsure, carried_over, fingerprint, scope_change

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog, MetadataMapping

    from tap_contentstack.records.output import Output
    from tap_contentstack.schema.table_schema import TableSchema
    from tap_contentstack.singer.guarded import GuardedMap
    from tap_contentstack.singer.parts import RunParts
    from tap_contentstack.singer.writer import Writer
    from tap_contentstack.sync.progress import StreamProgress


class VersionedStream(SelfWritingStream):
    """A stream whose rows carry a version, so that rows of items that are no longer published can be removed."""

    def __init__(self, tap: Tap, parts: RunParts, name: str, schema: dict[str, t.Any]) -> None:
        """Start with an empty bookmark.

        Args:
            tap: The SDK's tap, for the SDK's own use.
            parts: What all streams share.
            name: The stream's name.
            schema: The schema that discovery found.
        """
        super().__init__(tap, schema=schema, name=name)
        self.parts = parts
        self.bookmark = Bookmark()
        self.planned = False
        self.postponed = False
        """Whether the stream waits for another one to show that something is published."""
        self.unfinished = False
        """Whether the run's time was over before the stream was complete."""
        self._version_in_loads: int | None = None
        self._problem: str | None = None
        self._table_schema: TableSchema | None = None

    @property
    def start_order(self) -> tuple[int, str, float]:
        """The order in which streams begin within a run, lowest first."""
        return 0, "", 0.0

    @property
    def progress(self) -> StreamProgress:
        """What the stream has done in this run."""
        return self.parts.progress.of(self.name)

    # What the SDK asks

    @cached_property
    def logger(self) -> logging.Logger:
        """The tap's logger, with the stream's name in front of each text."""
        return logger_of(self.name, self._tap.logger)

    @property
    def writer(self) -> Writer:
        """The tap's writer of messages; writing requires its lock."""
        return t.cast("Writer", self.message_writer)

    @property
    @override
    def is_timestamp_replication_key(self) -> bool:
        return False

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take selection, schema and a forced full table from a catalog; the keys are not its to change."""
        keys, replication_key = self.primary_keys, self.replication_key
        super().apply_catalog(catalog)
        self.primary_keys, self.replication_key = keys, replication_key

    @override
    def protect(self, metadata: MetadataMapping) -> None:
        """Keep the key and what tells a row's state in every selection."""
        for column in (*schemas.AUTOMATIC_COLUMNS, schemas.VERSION_COLUMN, *self.primary_keys):
            if column in self.schema["properties"] or ("properties", column) in metadata:
                entry = metadata["properties", column]
                entry.inclusion = entry.InclusionType.AUTOMATIC

    @property
    @override
    def effective_schema(self) -> dict[str, t.Any]:
        """The schema in use: the catalog's or the discovered one, with the types that the table's columns have."""
        return self._table_schema.schema if self._table_schema else super().effective_schema

    @override
    def get_records(self, context: Context | None) -> Iterable[dict[str, t.Any]]:
        """Return the stream's rows as plain records, without versions, sweeps and bookmarks."""
        return self.rows()

    @override
    def load(self) -> None:
        if not self.planned:
            self.plan()
            self.write_state()
        if not self.selected:
            return
        try:
            self.parts.stack.client.time_limit.check()
            self.fill()
        except TimeIsUpError:
            self.unfinished = True
            return
        self.progress.complete = not self.postponed
        if self.progress.complete and (self.progress.records or self.progress.tombstones):
            self.logger.info("complete: %s", self.progress)

    @abc.abstractmethod
    def fill(self) -> None:
        """Bring the table up to date."""

    @abc.abstractmethod
    def rows(self) -> Iterable[dict[str, t.Any]]:
        """Yield the current rows."""

    def leave(self) -> None:
        """Write what is held back, and the checkpoint that covers it: the run ends before the stream is complete."""

    # The bookmark and the schema that it asks for

    def adopt(self, state: Mapping[str, t.Any] | None) -> None:
        """Adopt the state's bookmark, and the column types that it remembers."""
        self.bookmark, self._problem = read_bookmark(state)
        self.parts.state.take(self.name, self.bookmark)
        self._table_schema = table_schema(
            self.schema,
            super().effective_schema,
            keys=self.primary_keys,
            first_types=self.bookmark.first_types(),
        )
        if self.get_batch_config(self.config):
            self._table_schema.schema["properties"][schemas.VERSION_COLUMN] = {"type": ["integer", "null"]}

    @property
    def selected_columns(self) -> list[str]:
        """The columns that go to the target."""
        return [column for column in self.effective_schema["properties"] if self.mask["properties", column]]

    @property
    def cuts(self) -> list[tuple[str, ...]]:
        """What is deselected within these columns: the keys that lead there, from the column on."""
        properties = self.effective_schema["properties"]
        return cuts_of(self.mask, {column: properties[column] for column in self.selected_columns})

    def scope(self) -> dict[str, object]:
        """Return the scope that the bookmark is valid for."""
        settings, branch = self.parts.settings, self.parts.stack.branch
        return {
            "stack": settings.api_key,
            "environment": settings.environment,
            "branch": branch if branch is not None else Unsure(settings.branch),
        }

    def scope_change(self) -> str | None:
        """Return how the scope differs from the one that the bookmark was made for, if it does."""
        must_fail = self.parts.settings.fail_on_scope_change
        return scope_change(self.name, self.bookmark.scope, fingerprint(self.scope()), must_fail=must_fail)

    def plan(self) -> None:
        """Decide whether to resume or to restart, and put that into the state; nothing is written yet.

        Raises:
            ScopeChangedError: The bookmark is of another scope, and `on_scope_change` is `fail`.
        """
        if self.planned:
            return
        obstacle = self._obstacle()
        if obstacle:
            self.logger.warning("The stream restarts, as %s", obstacle)
        if self._table_schema:
            self._table_schema.warn(self.logger)
        self.planned = True
        if obstacle or not self._can_resume():
            self._begin()
            return
        self.bookmark.scope = self._carried_scope()
        self._remember_types()
        self._put_bookmark()

    def _can_resume(self) -> bool:
        return False

    def _obstacle(self) -> str | None:
        """Return why the stream cannot resume from its bookmark; None if it can, or has none to resume from.

        Raises:
            ScopeChangedError: The bookmark is of another scope, and `on_scope_change` is `fail`.
        """
        if change := self.scope_change():
            return change
        if self._problem:
            return f"its bookmark cannot be used: {self._problem}"
        if self._can_resume() and (lacking := self.bookmark.lacks(self.selected_columns)):
            return f"its rows lack columns that are selected now: {', '.join(lacking)}"
        return None

    def _carried_scope(self) -> str:
        return carried_over(self.bookmark.scope or "", fingerprint(self.scope()))

    def _remember_types(self) -> None:
        selected = set(self.selected_columns)
        types = column_types(self.schema) | column_types(self.effective_schema)
        for column, added in schemas.ADDED_COLUMNS.items():
            if column not in selected or column in self.bookmark.types or column == schemas.LOAD_VERSION:
                types[column] = kind_of(added)
        self.bookmark.remember(types, selected)

    def _begin(self) -> None:
        version = self.parts.state.next_version(self.bookmark.version)
        self.bookmark.start_over(version, self._carried_scope())
        self._remember_types()
        self._put_bookmark()

    def _put_bookmark(self) -> None:
        self.parts.state.put(self.name, self.bookmark)

    # The table in the target

    @cached_property
    def guarded_maps(self) -> list[GuardedMap]:
        """The stream's maps, checked, and with the protected columns."""
        return guarded(self.name, self.stream_maps, self.selected_schema, self.primary_keys)

    @property
    def output(self) -> Output:
        """The output that writes the stream's rows."""
        return output_of(self, self.guarded_maps, self.selected_columns, cut=bool(self.cuts))

    def wait_for_version(self) -> None:
        """Wait until the clock has reached the version."""
        self.parts.state.wait_for(self.bookmark.version)

    def save(self) -> None:
        """Put the bookmark into the state, and write that if due."""
        self.parts.state.save(self.name, self.bookmark)

    def complete(self) -> None:
        """Save the bookmark of a table that has all rows of its version; its row in `loads` comes first, once a run."""
        if self._version_in_loads != self.bookmark.version:
            self.write_loads_row()
        self.save()

    def write_loads_row(self, published: Mapping[str, int] | None = None) -> None:
        """Write the stream's row in `loads`.

        Args:
            published: How many items the API counts as published, by locale.
        """
        self._version_in_loads = self.bookmark.version
        tables = [each.alias for each in self.guarded_maps if not each.removes_all]
        self.parts.loads.put(tables, self.bookmark, published)
