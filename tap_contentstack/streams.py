"""The tap's streams: what each one is, where its rows come from, and its table in the target."""

from __future__ import annotations

import abc
import copy
import typing as t

from singer_sdk.singerlib import SelectionMask
from typing_extensions import override

from tap_contentstack import schema as schemas
from tap_contentstack.bookmarks import REPLICATION_KEY, Bookmark, changed_parts, fingerprint, read_bookmark
from tap_contentstack.codec import Codec
from tap_contentstack.content_types import find_content_type
from tap_contentstack.errors import ScopeChangedError
from tap_contentstack.feed import Feed
from tap_contentstack.items import ItemReader
from tap_contentstack.output import BatchOutput, LineOutput, MappedOutput, PlainOutput
from tap_contentstack.passes import ContentTypeGoneError, Passes, wait_until
from tap_contentstack.sdk import SelfWritingStream, changes_nothing

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog, MetadataMapping

    from tap_contentstack.content_types import ContentType
    from tap_contentstack.output import Output
    from tap_contentstack.pen import Pen
    from tap_contentstack.tap import TapContentstack

STATE_INTERVAL = 1.0
"""Seconds between two STATE messages, at least."""
VERSION_COLUMN = "_sdc_table_version"
COMBINED_STREAM = "entries"


class SweptStream(SelfWritingStream):
    """A stream whose rows carry a version, so that rows that are gone from the stack can be swept."""

    def __init__(self, tap: TapContentstack, name: str, schema: dict[str, t.Any]) -> None:
        """Take the stream's name and discovered schema."""
        super().__init__(tap, schema=schema, name=name)
        self.tap = tap
        self.bookmark = Bookmark()
        self.planned = False
        self._problem: str | None = None
        self._schema_in_use: dict[str, t.Any] | None = None
        self._type_changes: list[schemas.TypeChange] = []
        self._not_in_catalog: list[str] = []

    # What the SDK asks

    @property
    @override
    def pen(self) -> Pen:
        return self.tap.pen

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

    @property
    @override
    def metadata(self) -> MetadataMapping:
        if self._metadata is None:
            metadata = super().metadata
            for column in schemas.AUTOMATIC_COLUMNS:
                if column in self.schema["properties"]:
                    entry = metadata["properties", column]
                    entry.inclusion = entry.InclusionType.AUTOMATIC
        return super().metadata

    @property
    @override
    def effective_schema(self) -> dict[str, t.Any]:
        """The schema in use: the catalog's or the discovered one, with the types that the table's columns have."""
        return self._schema_in_use or super().effective_schema

    @override
    def get_records(self, context: Context | None) -> Iterable[dict[str, t.Any]]:
        """Return the stream's rows as plain records, without versions, sweeps and bookmarks."""
        return self.rows()

    @abc.abstractmethod
    def rows(self) -> Iterable[dict[str, t.Any]]:
        """Yield what is there now."""

    # The bookmark and the schema that it asks for

    def adopt(self, state: Mapping[str, t.Any] | None) -> None:
        """Take over the bookmark of the state, and the column types that it remembers."""
        self.bookmark, self._problem = read_bookmark(state)
        schema = copy.deepcopy(super().effective_schema)
        for column in schemas.AUTOMATIC_COLUMNS:
            if column in self.schema["properties"]:
                schema["properties"].setdefault(column, self.schema["properties"][column])
        self._schema_in_use, _ = schemas.keep_types(schema, self.bookmark.types)
        # What the stack has now may differ from a bookmark's types, and from a catalog that was made earlier.
        _, self._type_changes = schemas.keep_types(self.schema, schemas.column_types(self._schema_in_use))
        self._not_in_catalog = [column for column in self.schema["properties"] if column not in schema["properties"]]
        if self.get_batch_config(self.config):
            self._schema_in_use["properties"][VERSION_COLUMN] = {"type": ["integer", "null"]}

    @property
    def selected_columns(self) -> list[str]:
        """The columns that go to the target."""
        return [column for column in self.effective_schema["properties"] if self.mask["properties", column]]

    def scope(self) -> dict[str, object]:
        """Return what the bookmark is good for."""
        settings = self.tap.settings
        return {"stack": settings.api_key, "environment": settings.environment, "branch": self.tap.branch}

    def plan(self) -> None:
        """Decide whether to go on or to begin anew, and put that into the state; nothing is written yet.

        Raises:
            ScopeChangedError: The bookmark is of another scope, and the user wants to be asked.
        """
        if self.planned:
            return
        bookmark, scope = self.bookmark, fingerprint(self.scope())
        if bookmark.scope is not None and bookmark.scope != scope:
            self._on_scope_change(changed_parts(bookmark.scope, scope))
        elif self._problem:
            self.logger.warning("The stream starts over, as its bookmark cannot be used: %s", self._problem)
        for change in self._type_changes:
            self.logger.warning(
                "Field '%s' is of type %s now; its column stays %s, and values that do not fit go to _unmapped. "
                "To adopt the new type, drop the stream's table and load it anew (meltano run --full-refresh)",
                change.column,
                change.new,
                change.old,
            )
        if self._not_in_catalog:
            self.logger.warning(
                "The catalog does not have the fields %s; their values go to _unmapped until it is discovered anew",
                ", ".join(self._not_in_catalog),
            )
        self.planned = True
        if bookmark.scope != scope or not self._can_go_on():
            self._begin()
        else:
            self._remember_types()
            self._put_bookmark()

    def _can_go_on(self) -> bool:
        return False

    def _on_scope_change(self, changes: list[str]) -> None:
        changed = ", ".join(changes) or "configuration"
        if self.tap.settings.fail_on_scope_change:
            msg = (
                f"stream {self.name}: its state was made for another {changed}, and on_scope_change is 'fail': restore "
                "it, or set on_scope_change to 'restart' to load the stream anew and remove what is out of scope"
            )
            raise ScopeChangedError(msg)
        self.logger.warning("The stream starts over, as its state was made for another %s", changed)

    def _remember_types(self) -> None:
        columns = set(self.selected_columns)
        types = schemas.column_types(self.effective_schema)
        current = {column: kind for column, kind in types.items() if column in columns}
        self.bookmark.types = {**current, **self.bookmark.types} if self.bookmark.types else current

    def _begin(self) -> None:
        self.bookmark.start_over(self._next_version(), fingerprint(self.scope()))
        self._remember_types()
        self._put_bookmark()

    def _next_version(self) -> int:
        """Return a version that no run before had: the first whole second after this one began, if that is more."""
        return max(int(self.tap.started) + 1, (self.bookmark.version or 0) + 1)

    def _put_bookmark(self) -> None:
        self.tap.state.setdefault("bookmarks", {})[self.name] = self.bookmark.to_state()

    # The table in the target

    @property
    def output(self) -> Output:
        """The way in which rows leave the tap."""
        maps, batch_config = self.stream_maps, self.get_batch_config(self.config)
        columns = self.selected_columns
        nested = any(
            not selected and len(path) > len(("properties", "column")) and path[1] in columns
            for path, selected in self.mask.items()
        )
        if not batch_config and not nested and changes_nothing(maps, self.name):
            return LineOutput(self.pen, self.name, columns)
        mapped = MappedOutput(self.pen, maps, self.effective_schema, self.mask)
        return BatchOutput(mapped, self.pen, self.tap.name, batch_config) if batch_config else mapped

    def wait_for_version(self) -> None:
        """Return when the clock has reached the version.

        A version is the first whole second after the run began, and no record goes out before that: so an earlier run
        that was killed, its state lost, cannot have given the same version to other rows.
        """
        if self.bookmark.version:
            wait_until(self.bookmark.version)

    def save(self) -> None:
        """Put the bookmark into the state, and write that if it is time to."""
        self._put_bookmark()
        if self.tap.state_is_due():
            self.write_state()


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
        """Start over within a run: a new version, announced before its first record."""
        self._begin()
        self._out.begin(self.bookmark.version)
        self.write_state()

    @override
    def load(self) -> None:
        if not self.planned:
            self.plan()
            self.write_state()
        if not self.selected:
            return
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
            yield from reader.rows(page)[0]

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
    def load(self) -> None:
        if not self.planned:
            self.plan()
            self.write_state()
        if not self.selected:
            return
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

    def __init__(self, tap: TapContentstack, name: str, types: Mapping[str, str]) -> None:
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
    def load(self) -> None:
        self.plan()
        self.logger.warning("The content type is gone from the stack; its table is emptied")
        self.wait_for_version()
        with self.pen:
            self.write_activate_version(self.bookmark.version or 0)
            self.tap.state["bookmarks"].pop(self.name, None)

    @override
    def rows(self) -> Iterable[dict[str, t.Any]]:
        return ()
